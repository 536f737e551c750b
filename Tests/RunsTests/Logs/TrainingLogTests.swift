import Foundation
import TestSupport
import Testing

@testable import Runs

/// Reports come about every five seconds, and always at the last step, which is what these tests use.
@Suite struct TrainingLogTests {
  /// What a log of `total` steps holds after `body`, line by line.
  private func lines(
    total: Int = 1, step: Int = 0, before: String = "", _ body: (TrainingLog) throws -> Void
  ) throws -> [String] {
    try Project.inTemporaryFolder { folder in
      let file = folder.appendingPathComponent("log.jsonl")
      if !before.isEmpty { try Data(before.utf8).write(to: file) }
      try body(try TrainingLog(folder: folder, step: step, total: total, quiet: true))
      return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map(String.init)
    }
  }

  private func fields(_ line: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(line)")
  }

  @Test func theLastStepReportsTheMeansSinceTheLastReport() throws {
    let lines = try lines(total: 3) { log in
      try log.add(["loss": 1], stage: "joint", step: 1)
      try log.add(["loss": 3, "norm": 8], stage: "joint", step: 2)
      try log.add(["loss": 5], stage: "diffusion", step: 3)
    }
    let fields = try fields(try #require(lines.first))
    #expect(lines.count == 1 && fields["step"] as? Int == 3 && fields["stage"] as? String == "diffusion")
    #expect(fields["loss"] as? Double == 3 && fields["norm"] as? Double == 8)
    #expect((fields["stepsPerSecond"] as? Double ?? 0) > 0 && (fields["seconds"] as? Double ?? -1) >= 0)
  }

  @Test func lateMetricsReplaceTheMeans() throws {
    let lines = try lines { log in
      try log.add(["loss": 1], stage: "joint", step: 1, late: { ["loss": 7, "psnr": 20.123456] })
    }
    let fields = try fields(lines[0])
    #expect(fields["loss"] as? Double == 7 && fields["psnr"] as? Double == 20.12)
  }

  @Test func lateMetricsAreReadForReportsAlone() throws {
    var asked = 0
    _ = try lines(total: 3) { log in
      for step in 1...3 {
        try log.add(
          [:], stage: "joint", step: step,
          late: {
            asked += 1
            return [:]
          })
      }
    }
    #expect(asked == 1)
  }

  @Test func anErrorOfLateMetricsIsPassedOnAndNothingIsReported() throws {
    let lines = try lines { log in
      #expect(throws: RunError.folder("x")) {
        try log.add(["loss": 1], stage: "joint", step: 1, late: { throw RunError.folder("x") })
      }
    }
    #expect(lines.isEmpty)
  }

  @Test(arguments: [Double.nan, .infinity, -.infinity]) func aNumberThatIsNotFiniteLeavesTheLineJSON(_ value: Double)
    throws
  {
    let lines = try lines { log in try log.add(["loss": 2, "odd": value], stage: "joint", step: 1) }
    let fields = try fields(lines[0])
    #expect(fields["loss"] as? Double == 2 && fields["odd"] is NSNull)
    #expect(TrainingCurves(log: lines[0]).curves.map(\.name).contains("loss"))
  }

  @Test func aContinuedLogIsReadAsOne() throws {
    let before = "{\"step\":10,\"stage\":\"joint\",\"loss\":1}\n{\"step\":20,\"stage\":\"joint\",\"lo"  // killed here
    let lines = try lines(total: 13, step: 12, before: before) { log in
      try log.say("continues after step 12", stage: "joint", step: 12)
      try log.add(["loss": 4], stage: "joint", step: 13)
    }
    #expect(lines.count == 4)
    #expect(try fields(lines[2])["note"] as? String == "continues after step 12")
    let curve = try #require(TrainingCurves(log: lines.joined(separator: "\n")).curves.first { $0.name == "loss" })
    #expect(curve.points.map(\.step) == [10, 13] && curve.points.map(\.value) == [1, 4])
  }

  @Test func theEventsOfTensorBoardLieBesideIt() throws {
    try Project.inTemporaryFolder { folder in
      let log = try TrainingLog(folder: folder, step: 0, total: 1, quiet: true)
      try log.add(["loss": 1], stage: "joint", step: 1)
      let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      let events = try #require(names.first { $0.hasPrefix("events.out.tfevents.") })
      let bytes = try Data(contentsOf: folder.appendingPathComponent(events))
      for name in ["loss", "stepsPerSecond"] { #expect(bytes.range(of: Data(name.utf8)) != nil) }
    }
  }
}
