import Foundation
import Images
import TestSupport
import Testing

@Suite struct ReplayTests {
  private func bytes(_ name: String, _ folder: URL) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: folder.appendingPathComponent(name)))
  }

  private func run(_ arguments: [String], in folder: URL) throws -> Program.Result {
    try Program.run(arguments, in: folder, environment: ["FLUX_MODELS": folder.path])
  }

  private func draw(_ arguments: [String], in folder: URL) throws {
    let result = try run(["generate"] + arguments, in: folder)
    #expect(result.code == 0, "\(result.errors)")
  }

  @Test func anImageIsDrawnAgainToTheByte() throws {
    try Program.inModelFolder { folder in
      try draw(
        [
          "a red apple", "-m", "model", "-n", "b", "-s", "7", "--steps", "3", "--cfg-scale", "2.2", "--sampler", "heun",
          "--scheduler", "karras", "-o", "a.png",
        ], in: folder)
      try draw(["--replay", "a.png", "-o", "b.png"], in: folder)
      #expect(try bytes("a.png", folder) == bytes("b.png", folder))
    }
  }

  @Test func optionsChangeWhatTheyName() throws {
    try Program.inModelFolder { folder in
      try draw(["a red apple", "-m", "model", "-s", "7", "--steps", "3", "-o", "a.png"], in: folder)
      try draw(["a blue pear", "--replay", "a.png", "-s", "8", "-o", "b.png"], in: folder)
      let text = try #require(try PNGText.read(bytes("b.png", folder)).first?.text)
      #expect(text.hasPrefix("a blue pear\nSteps: 3, "))
      #expect(text.contains("Seed: 8,"))
    }
  }

  @Test func settingsOfOtherProgramsAreTakenWithANotice() throws {
    try Program.inModelFolder { folder in
      let image = Image(width: 64, height: 64, channels: .rgb, pixels: [UInt8](repeating: 9, count: 64 * 64 * 3))
      let text = "a fox\nSteps: 2, Sampler: Euler, CFG scale: 4, Seed: 5, Size: 64x64, Model: other"
      try Data(ImageFile.png.encode(image, parameters: text)).write(to: folder.appendingPathComponent("a.png"))
      let result = try run(["generate", "--replay", "a.png", "-m", "model", "-o", "b.png"], in: folder)
      #expect(result.code == 0)
      #expect(result.errors.hasPrefix("flux: the image is by AUTOMATIC1111's web UI"))
      #expect(
        try PNGText.read(bytes("b.png", folder)).first?.text.hasPrefix("a fox\nSteps: 2, Sampler: Euler,") == true)
    }
  }

  @Test func whatCannotBeReplayedIsSaid() throws {
    try Program.inModelFolder { folder in
      try Program.makeImage("plain.png", in: folder)
      #expect(try run(["generate", "--replay", "plain.png", "-o", "b.png"], in: folder).code == 5)
      try draw(["a", "-m", "model", "--steps", "1", "-o", "a.png"], in: folder)
      #expect(try run(["generate", "--replay", "a.png", "-o", "a.png"], in: folder).code == 2, "the input is kept")
      let elsewhere = folder.appendingPathComponent("elsewhere")
      try FileManager.default.createDirectory(at: elsewhere, withIntermediateDirectories: true)
      try FileManager.default.moveItem(
        at: folder.appendingPathComponent("model"), to: elsewhere.appendingPathComponent("moved"))
      #expect(try run(["generate", "--replay", "a.png", "-o", "b.png"], in: folder).code == 1)
      #expect(try run(["generate", "--replay", "a.png", "-m", "elsewhere/moved", "-o", "b.png"], in: folder).code == 0)
    }
  }
}
