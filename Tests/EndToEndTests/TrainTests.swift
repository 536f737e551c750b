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

  @Test func aRunThatIsKilledAtRandomMomentsEndsInTheSameWeights() throws {
    let folder = try Project.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let began = Date()
    #expect(try Program.run(run + ["--output", "whole"], in: folder).code == 0)
    let takes = Date().timeIntervalSince(began)
    var kills = 0
    while kills < 6 {
      let moment = Double.random(in: 0.3 * takes...takes)
      guard try Program.run(run + ["--output", "parts"], in: folder, killAfter: moment).code == -9 else { break }
      kills += 1
    }
    #expect(try Program.run(run + ["--output", "parts"], in: folder).code == 0)
    let (whole, parts) = (folder.appendingPathComponent("whole"), folder.appendingPathComponent("parts"))
    #expect(try weights(whole) == weights(parts), "after \(kills) kills")
  }

  /// Eight pictures in four kinds, one of them broken: a model comes out, and the broken one is named.
  @Test func peoplesOwnPicturesAreLearntFrom() throws {
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
    try Data("a torn picture".utf8).write(to: photos.appendingPathComponent("torn.txt"))
    let result = try Program.run(run + ["--data", "photos", "--output", "run"], in: folder)
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.errors.contains("1 picture could not be read:\n  torn.jpg: "))
    let drawn = try Program.run(["generate", "a red wall", "-m", "run/model", "-o", "red.png"], in: folder)
    #expect(drawn.code == 0, "\(drawn.errors)")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent("run").path)
    for name in ["samples.png", "reconstructions.png", "log.jsonl"] { #expect(files.contains(name)) }
    #expect(files.contains { $0.hasPrefix("events.out.tfevents.") })
    // Other pictures are another run.
    try FileManager.default.removeItem(at: photos.appendingPathComponent("red.png"))
    let other = try Program.run(run + ["--data", "photos", "--output", "run"], in: folder)
    #expect(other.code == 1 && other.errors.contains("holds a run with other settings"))
  }

  @Test func controlCSavesAndSaysSo() throws {
    let folder = try Project.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let long = [
      "train", "--preset", "tiny", "--steps", "5000", "--batch", "4", "--save-every", "5000", "--quiet", "--output",
      "run",
    ]
    let result = try Program.run(long, in: folder, interruptOnce: "run/log.jsonl")
    #expect(result.code == 130)
    #expect(result.errors.contains(/stopped after step \d+ of 5000, all saved; the same command continues/))
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent("run").path)
    #expect(files.filter { $0.hasPrefix("checkpoint-") }.count == 1)
    #expect(files.allSatisfy { !$0.hasPrefix(".") }, "\(files)")
  }

  @Test func aTimeLimitEndsARunInTime() throws {
    let folder = try Project.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let limited = ["train", "--preset", "tiny", "--steps", "5000", "--batch", "4", "--quiet", "--output", "run"]
    let began = Date()
    let result = try Program.run(limited + ["--time-limit", "8s"], in: folder)
    #expect(result.code == 0 && Date().timeIntervalSince(began) < 10)
    #expect(result.errors.contains("all saved"))
    for bad in ["0", "soon", "-5s"] {
      #expect(try Program.run(limited + ["--time-limit=\(bad)"], in: folder).code == 2)
    }
  }

  @Test func aCacheIsOfNoUseToTheSpecification() throws {
    try Project.inTemporaryFolder { folder in
      let specified = [
        "train", "--profile", "specification", "--preset", "tiny", "--output", "run", "--cache", "cache",
      ]
      let result = try Program.run(specified, in: folder)
      #expect(result.code == 2 && result.errors.contains("--cache is for profile ship"))
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
