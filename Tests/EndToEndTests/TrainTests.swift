import Foundation
import Images
import TestSupport
import Testing

@Suite(.serialized) struct TrainTests {
  private let run = ["train", "--preset", "tiny", "--steps", "40", "--batch", "4", "--save-every", "5", "--quiet"]

  private func weights(_ folder: URL) throws -> [Data] {
    try ["unet", "autoencoder", "text_adapter"].map {
      try Data(contentsOf: folder.appendingPathComponent("model/\($0)/diffusion_pytorch_model.safetensors"))
    }
  }

  /// Killed as soon as a checkpoint appears, which is while the step after it runs: with 35, 20 and 5 steps to go.
  @Test func aRunThatIsKilledEndsInTheSameWeights() throws {
    let folder = try Project.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    #expect(try Program.run(run + ["--output", "whole"], in: folder).code == 0)
    var kills = 0
    for step in ["05", "20", "35"] {
      let sign = "parts/checkpoint-000000\(step)"
      let killed = try Program.run(run + ["--output", "parts"], in: folder, signal: SIGKILL, whenThereIs: sign)
      if killed.code == -9 { kills += 1 }
    }
    #expect(kills > 0)  // a run may end before its last kill, but not before its first
    #expect(try Program.run(run + ["--output", "parts"], in: folder).code == 0)
    let (whole, parts) = (folder.appendingPathComponent("whole"), folder.appendingPathComponent("parts"))
    #expect(try weights(whole) == weights(parts), "after \(kills) kills")
  }

  /// Eight images in four kinds, one of them broken: a model comes out, and the broken one is named.
  @Test func peoplesOwnImagesAreLearnedFrom() throws {
    let folder = try Project.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let photos = folder.appendingPathComponent("photos")
    try FileManager.default.createDirectory(at: photos, withIntermediateDirectories: true)
    for (index, name) in ["red", "green", "blue"].enumerated() {
      var pixels = [UInt8](repeating: 30, count: 3 * 80 * 64)
      for pixel in 0..<80 * 64 { pixels[3 * pixel + index] = 220 }
      let png = try PNG.encode(Image(width: 80, height: 64, channels: .rgb, pixels: pixels))
      try Data(png).write(to: photos.appendingPathComponent("\(name).png"))
      try Data("a \(name) wall\n".utf8).write(to: photos.appendingPathComponent("\(name).txt"))
    }
    try Data([0xff, 0xd8, 0xff]).write(to: photos.appendingPathComponent("torn.jpg"))
    try Data("a torn image".utf8).write(to: photos.appendingPathComponent("torn.txt"))
    let result = try Program.run(run + ["--data", "photos", "--output", "run"], in: folder)
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.errors.contains("1 image could not be read:\n  torn.jpg: "))
    let drawn = try Program.run(["generate", "a red wall", "-m", "run/model", "-o", "red.png"], in: folder)
    #expect(drawn.code == 0, "\(drawn.errors)")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent("run").path)
    for name in ["samples.png", "reconstructions.png", "log.jsonl"] { #expect(files.contains(name)) }
    #expect(files.contains { $0.hasPrefix("events.out.tfevents.") })
    // Other images are another run.
    try FileManager.default.removeItem(at: photos.appendingPathComponent("red.png"))
    let other = try Program.run(run + ["--data", "photos", "--output", "run"], in: folder)
    #expect(other.code == 1 && other.errors.contains("holds a run with other settings"))
  }

  /// The interrupt comes at the first checkpoint, so that there is a step to save.
  @Test func controlCSavesAndSaysSo() throws {
    let folder = try Project.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let long = [
      "train", "--preset", "tiny", "--steps", "500000", "--batch", "4", "--save-every", "2", "--quiet", "--output",
      "run",
    ]
    let result = try Program.run(long, in: folder, signal: SIGINT, whenThereIs: "run/checkpoint-00000002")
    #expect(result.code == 130)
    let step = try #require(
      result.errors.firstMatch(of: /stopped and saved after step (\d+) of 500000; the same command continues/)
    ).output.1
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent("run").path)
    let newest = try #require(files.filter { $0.hasPrefix("checkpoint-") }.max())
    #expect(newest.hasSuffix("0\(step)"), "\(newest), stopped after \(step)")
    #expect(files.allSatisfy { !$0.hasPrefix(".") }, "\(files)")
  }

  /// Nobody reads what it says, and the terminal is gone: a run goes on, and saves when it is asked to stop.
  @Test(arguments: ["2>&-", "2>/dev/full"]) func messagesThatNobodyReadsEndNoRun(_ redirection: String) throws {
    try Project.inTemporaryFolder { folder in
      let loud = ["train", "--preset", "tiny", "--steps", "20", "--batch", "4", "--output", "run"]
      let result = try Program.run(loud, in: folder, shell: redirection)
      #expect(result.code == 0 && result.output.hasSuffix("/run/model\n"))
      let log = try String(contentsOf: folder.appendingPathComponent("run/log.jsonl"), encoding: .utf8)
      #expect(log.split(separator: "\n").allSatisfy { $0.hasPrefix("{") && $0.hasSuffix("}") })
    }
  }

  @Test(arguments: [SIGHUP, SIGTERM]) func aTerminalThatClosesSavesAsControlCDoes(_ signal: Int32) throws {
    try Project.inTemporaryFolder { folder in
      let long = [
        "train", "--preset", "tiny", "--steps", "500000", "--batch", "4", "--save-every", "2", "--quiet", "--output",
        "run",
      ]
      let result = try Program.run(long, in: folder, signal: signal, whenThereIs: "run/checkpoint-00000002")
      #expect(result.code == 130 && result.errors.contains("stopped and saved after step "), "\(result.errors)")
    }
  }

  /// However slow the machine: either steps were made and saved, or it says that none was.
  @Test func aTimeLimitEndsARun() throws {
    let folder = try Project.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let limited = ["train", "--preset", "tiny", "--steps", "500000", "--batch", "4", "--quiet", "--output", "run"]
    let result = try Program.run(limited + ["--time-limit", "8s"], in: folder)
    let hasModel = FileManager.default.fileExists(atPath: folder.appendingPathComponent("run/model").path)
    if hasModel {
      #expect(result.code == 0 && result.errors.contains("stopped and saved") && result.output.hasSuffix("run/model\n"))
    } else {
      #expect(result.code == 1 && result.errors.contains("nothing to save") && result.output.isEmpty)
    }
    for bad in ["0", "soon", "-5s"] {
      #expect(try Program.run(limited + ["--time-limit=\(bad)"], in: folder).code == 2)
    }
  }

  @Test func aTimeLimitTooShortForAStepSavesNothingAndSaysSo() throws {
    try Project.inTemporaryFolder { folder in
      let result = try Program.run(run + ["--output", "run", "--time-limit", "1s"], in: folder)
      #expect(result.code == 1 && result.output.isEmpty)
      #expect(result.errors.contains("stopped before the first step: nothing to save"))
    }
  }

  @Test func aRunInsideItsOwnDataIsRefused() throws {
    try Project.inTemporaryFolder { folder in
      try FileManager.default.createDirectory(
        at: folder.appendingPathComponent("photos"), withIntermediateDirectories: true)
      try Data(PNG.encode(Image(width: 8, height: 8, channels: .rgb, pixels: [UInt8](repeating: 9, count: 192))))
        .write(to: folder.appendingPathComponent("photos/a.png"))
      try Data("a wall".utf8).write(to: folder.appendingPathComponent("photos/a.txt"))
      for output in ["photos/run", "photos", "photos/../photos/deep/run"] {
        let result = try Program.run(run + ["--data", "photos", "--output", output], in: folder)
        #expect(result.code == 2 && result.errors.contains("is inside --data photos"), "\(result.errors)")
      }
    }
  }

  @Test func aCacheIsOfNoUseToTheSpecification() throws {
    try Project.inTemporaryFolder { folder in
      let specified = [
        "train", "--profile", "specification", "--preset", "tiny", "--output", "run", "--cache", "cache",
      ]
      let result = try Program.run(specified, in: folder)
      #expect(result.code == 2 && result.errors.contains("--cache needs --profile ship"))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }
  }

  @Test func aDryRunForetells() throws {
    let folder = try Project.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let result = try Program.run(run + ["--output", "run", "--dry-run"], in: folder)
    #expect(result.code == 0, "\(result.errors)")
    for word in ["parameters", "diffusion", "time", "peak memory"] { #expect(result.output.contains(word)) }
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent("run").path)
    #expect(files == ["forecast.json"])
  }
}
