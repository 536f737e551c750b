import Flux
import Foundation
import Images
import Models
import TestSupport
import Testing
import Torch

/// The pixel-space example as a program.
@Suite(.serialized) struct PixelExampleTests {
  /// Runs `body` in a folder with an untrained small model of 64×64 pixels.
  private func inModelFolder(_ body: (URL) throws -> Void) throws {
    try Project.inTemporaryFolder { folder in
      let configuration = PixelUNet.Configuration(
        sampleSize: 64, blockOutChannels: [4, 4], vocabSize: 30_522, embeddingWidth: 8, maxTokens: 24)
      try PixelModel(configuration, .random(Generator(seed: 1))).save(to: folder.appendingPathComponent("pixels"))
      try body(folder)
    }
  }

  @Test(arguments: ["ddpm", "ddim"]) func itDrawsAnImageOf64Pixels(_ sampler: String) throws {
    try inModelFolder { folder in
      let result = try Program.run(
        ["generate", "-m", "pixels", "a red circle", "--steps", "3", "--sampler", sampler, "-o", "x.png"], in: folder)
      #expect(result.code == 0 && result.output == "x.png\n", "\(result.errors)")
      let bytes = [UInt8](try Data(contentsOf: folder.appendingPathComponent("x.png")))
      let image = try PNG.decode(bytes)
      #expect(image.width == 64 && image.height == 64)
      let text = try #require(PNGText.read(bytes).first?.text)
      #expect(text.hasPrefix("a red circle\nSteps: 3, Sampler: \(sampler.uppercased()), "))
      #expect(text.contains("Size: 64x64") && text.contains("Model: pixels"))
    }
  }

  @Test func severalPromptsAndSeedsMakeAPage() throws {
    try inModelFolder { folder in
      try Data("a cat\na dog\n".utf8).write(to: folder.appendingPathComponent("prompts.txt"))
      let result = try Program.run(
        [
          "generate", "-m", "pixels", "--prompt-file", "prompts.txt", "-b", "3", "--sampler", "ddim", "--steps", "2",
          "-o", "images/", "--grid", "page.png",
        ], in: folder)
      #expect(result.code == 0, "\(result.errors)")
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent("images").path).count == 6)
      let page = try PNG.decode([UInt8](try Data(contentsOf: folder.appendingPathComponent("page.png"))))
      #expect(page.width == 6 * 68 + 4 && page.height == 68 + 4)
    }
  }

  @Test(arguments: [
    (["--fast"], "--fast"), (["--lora", "a.safetensors"], "--lora"), (["-n", "blue"], "--negative-prompt"),
    (["-W", "128"], "--width"), (["--cfg-scale", "3", "-q"], "--cfg-scale"),
    (["--cfg-interval=0-1", "-H", "64"], "--cfg-interval, --height"),
  ])
  func anOptionThatDoesNotApplyIsRefused(_ options: [String], _ names: String) throws {
    try inModelFolder { folder in
      let result = try Program.run(["generate", "-m", "pixels", "-p", "a", "-o", "x.png"] + options, in: folder)
      let sentence = "pixels is a model of the pixel-space example, to which not all options apply: remove \(names)\n"
      #expect(result.code == 2 && result.errors == "flux: \(sentence)", "\(result.errors)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["pixels"])
    }
  }

  @Test func otherCommandsSayThatTheyDoNotReadIt() throws {
    try inModelFolder { folder in
      for command in [["evaluate", "-m", "pixels"], ["distill", "-m", "pixels", "-o", "run"]] {
        let result = try Program.run(command, in: folder)
        #expect(result.code == 1 && result.errors.contains("which only flux generate reads"), "\(result.errors)")
      }
    }
  }

  @Test(arguments: [
    (["--stages", "joint"], "--stages"), (["--from", "pixels"], "--from"),
    (["--precision", "bfloat16"], "--precision"),
    (["--ema", "0.1", "--dry-run"], "--ema, --dry-run"), (["--diffusion-rate", "0.1", "--averages", "0.1"], "--ema"),
  ])
  func trainingRefusesWhatTheExampleDoesNotHave(_ options: [String], _ names: String) throws {
    try inModelFolder { folder in
      let result = try Program.run(["train", "--preset", "pixel-example", "-o", "run"] + options, in: folder)
      #expect(result.code == 2, "\(result.errors)")
      #expect(result.errors.contains("not all options apply: remove \(names)\n"))
      #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("run").path))
    }
  }

  @Test func aRecordNeedsTheExample() throws {
    try Project.inTemporaryFolder { folder in
      let result = try Program.run(["train", "--preset", "tiny", "-o", "run", "--record-steps", "5"], in: folder)
      #expect(result.code == 2 && result.errors == "flux: --record-steps needs --preset pixel-example\n")
      let many = ["train", "--preset", "pixel-example", "-o", "run", "--steps", "20", "--record-steps", "30"]
      #expect(
        try Program.run(many, in: folder).errors == "flux: --record-steps 30 must be at most the steps of the run, 20\n"
      )
    }
  }

  /// The whole example: from people's own images to an image.
  @Test func itIsTrainedAndDraws() throws {
    try Project.inTemporaryFolder { folder in
      let images = folder.appendingPathComponent("photos")
      try FileManager.default.createDirectory(at: images, withIntermediateDirectories: true)
      for name in ["a.png", "b.png"] { try Program.makeImage(name, in: images) }
      let trained = try Program.run(
        [
          "train", "--preset", "pixel-example", "--data", "photos", "--steps", "20", "--batch", "2", "--no-moments",
          "--sample-every", "0", "-o", "run", "-q",
        ], in: folder)
      #expect(trained.code == 0 && trained.output.hasSuffix("/run/model\n"), "\(trained.errors)")
      let log = try String(contentsOf: folder.appendingPathComponent("run/log.jsonl"), encoding: .utf8)
      #expect(log.contains("\"step\":20,\"stage\":\"diffusion\"") && log.contains("\"diffusion\":"))
      let drawn = try Program.run(
        ["generate", "-m", "run/model", "a cat", "--sampler", "ddim", "--steps", "2", "-o", "x.png"], in: folder)
      #expect(drawn.code == 0, "\(drawn.errors)")
    }
  }
}
