import Foundation
import Support
import TestSupport
import Testing
import Torch

@testable import Runs

@Suite struct TrainingRunTests {
  private let saving = TrainingRun.Saving(every: 3)

  /// Runs up to step `stop`.
  @discardableResult
  private func run(
    _ walk: RandomWalk = RandomWalk(), in folder: URL, saving: TrainingRun.Saving? = nil, until stop: Int = .max
  ) throws -> TrainingRun.Outcome {
    let run = TrainingRun(walk, in: folder, saving: saving ?? self.saving)
    return try run.run { _ in run.stepsDone >= stop }
  }

  private func checkpoints(_ folder: URL) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasPrefix("checkpoint") }.sorted()
  }

  private func log(_ folder: URL) throws -> String {
    try String(contentsOf: folder.appendingPathComponent("log.jsonl"), encoding: .utf8)
  }

  /// Wherever it stops: at a checkpoint, between two, twice at one place, and with a buffer that is not full.
  @Test func aRunThatIsInterruptedEndsInTheSameState() throws {
    try Project.inTemporaryFolder { folder in
      let whole = RandomWalk()
      for step in 0..<10 { _ = whole.takeStep(step) }
      for stop in [2, 3, 3, 7, 8] {
        let outcome = try run(in: folder, until: stop)
        #expect(outcome == .stopped(step: stop))
        #expect(try checkpoints(folder).last == "checkpoint-0000000\(stop)")
      }
      let parts = RandomWalk()
      #expect(try run(parts, in: folder) == .finished)
      let states = [whole, parts].map { walk in
        (walk.weights + walk.moments + walk.buffers).map { $0.tensor.bytes() }
      }
      #expect(states[0] == states[1])
      #expect(try [UInt8](Data(contentsOf: folder.appendingPathComponent("point"))) == whole.point.bytes())
      #expect(try log(folder).contains("\"stage\":\"walk\",\"note\":\"continues after step 8\""))
    }
  }

  @Test func theNewestCheckpointsAreKept() throws {
    try Project.inTemporaryFolder { folder in
      try run(in: folder)
      #expect(try checkpoints(folder) == ["checkpoint-00000009", "checkpoint-00000010"])
      try run(RandomWalk(.init(steps: 16)), in: folder, saving: TrainingRun.Saving(every: 2, kept: 3))
      #expect(try checkpoints(folder) == ["checkpoint-00000012", "checkpoint-00000014", "checkpoint-00000016"])
    }
  }

  @Test func aFinishedRunSaysSoAndWritesWhatIsMissing() throws {
    try Project.inTemporaryFolder { folder in
      try run(in: folder)
      let point = folder.appendingPathComponent("point")
      let before = try Data(contentsOf: point)
      try FileManager.default.removeItem(at: point)
      #expect(try run(in: folder) == .finished)
      #expect(try Data(contentsOf: point) == before)
    }
  }

  @Test func moreStepsExtendARunAndTheRateRisesAgain() throws {
    try Project.inTemporaryFolder { folder in
      try run(in: folder)
      let longer = RandomWalk(.init(steps: 14))
      #expect(try run(longer, in: folder, until: 12) == .stopped(step: 12))
      #expect([10, 11, 13, 14].map(longer.restartShare) == [0.25, 0.5, 1, 1])
      #expect(
        try log(folder).contains("continues after step 10: the learning rate warms up again over 4 steps"))
      let again = RandomWalk(.init(steps: 14))
      #expect(try run(again, in: folder) == .finished)
      #expect(again.restarted == 10)
      #expect(try log(folder).contains("continues after step 12: the learning rate warms up again over 2 steps"))
      let differences = ["steps 14 there, 10 here"]
      #expect(throws: RunError.otherPlan(folder: folder.path, differences: differences)) { try run(in: folder) }
    }
  }

  @Test func aRunOfOtherSettingsIsRefusedAndLeftAsItIs() throws {
    try Project.inTemporaryFolder { folder in
      try run(in: folder, until: 4)
      let before = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
      let differences = ["seed 1 there, 2 here"]
      #expect(throws: RunError.otherPlan(folder: folder.path, differences: differences)) {
        try run(RandomWalk(.init(seed: 2)), in: folder)
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == before)
    }
  }

  /// What a loop finds wrong beforehand leaves no log.
  @Test func aLoopMayRefuseBeforeAnythingIsWritten() throws {
    try Project.inTemporaryFolder { folder in
      let walk = RandomWalk()
      walk.fault = FileError("read", "x", errno: ENOENT)
      #expect(throws: FileError.self) { try run(walk, in: folder) }
      let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      #expect(files == ["run.lock"])
    }
  }

  @Test func aDamagedCheckpointIsReportedAndTheOneBeforeUsed() throws {
    try Project.inTemporaryFolder { folder in
      try run(in: folder, until: 3)
      try run(in: folder, until: 5)
      let file = folder.appendingPathComponent("checkpoint-00000005/state-00001-of-00001.safetensors")
      var bytes = try Data(contentsOf: file)
      bytes[bytes.count - 1] ^= 1
      try bytes.write(to: file)
      let walk = RandomWalk()
      #expect(try run(walk, in: folder, until: 0) == .stopped(step: 3))
      #expect(walk.warnings.count == 2 && walk.warnings[0].hasPrefix("checkpoint-00000005 is damaged ("))
      #expect(walk.warnings.last == "continuing from checkpoint-00000003")
    }
  }

  @Test func aFolderHasOneRunAtATime() throws {
    try Project.inTemporaryFolder { folder in
      var inner: (any Error)?
      let outcome = try TrainingRun(RandomWalk(), in: folder).run { _ in
        do { try run(in: folder) } catch { inner = error }
        return true
      }
      #expect(inner as? RunError == .inUse(folder: folder.path))
      #expect(outcome == .stopped(step: 0) && outcome.sentence(of: 10).contains("nothing to save"))
      #expect(try checkpoints(folder).isEmpty)
    }
  }

  @Test func aRunContinuesWithoutMoments() throws {
    try Project.inTemporaryFolder { folder in
      try run(in: folder, saving: TrainingRun.Saving(every: 3, moments: false), until: 5)
      let walk = RandomWalk()
      #expect(try run(walk, in: folder, until: 0) == .stopped(step: 5))
      #expect(walk.restarted == 5 && walk.velocity.floats() == [0, 0, 0, 0] && walk.point.floats() != [0, 0, 0, 0])
    }
  }

  /// A loop that is stopped while it prepares a step has what it did saved.
  @Test func aStopWhileAStepIsPreparedSaves() throws {
    try Project.inTemporaryFolder { folder in
      let walk = RandomWalk()
      walk.unready = [4]
      let outcome = try run(walk, in: folder)
      #expect(outcome == .stopped(step: 4))
      #expect(try checkpoints(folder) == ["checkpoint-00000003", "checkpoint-00000004"])
    }
  }

  /// Names of version 0.1, which wrote one file.
  @Test func checkpointsOfEarlierVersionsAreRead() throws {
    try Project.inTemporaryFolder { folder in
      let old = Tensor([1, 2, 3, 4] as [Float], shape: [4])
      try WeightSet.write(
        [("place", old), ("velocity", old * 2)], metadata: ["step": "6", "plan": #"{"steps":10,"seed":1}"#],
        directory: folder, name: "checkpoint-00000006", maxShardBytes: 1 << 20)
      let walk = RandomWalk()
      #expect(try run(walk, in: folder, until: 0) == .stopped(step: 6))
      #expect(walk.point.floats() == [1, 2, 3, 4] && walk.velocity.floats() == [2, 4, 6, 8])
    }
  }

  @Test func aCheckpointThatSaysNothingUsefulIsOfAnotherVersion() throws {
    try Project.inTemporaryFolder { folder in
      let checkpoint = folder.appendingPathComponent("checkpoint-00000006")
      try FileManager.default.createDirectory(at: checkpoint, withIntermediateDirectories: true)
      try WeightSet.write(
        [("point", Tensor.zeros([4]))], metadata: ["step": "6"], directory: checkpoint, name: "state",
        alwaysIndexed: true)
      #expect(throws: RunError.otherVersion(folder: folder.path)) { try run(in: folder) }
    }
  }
}
