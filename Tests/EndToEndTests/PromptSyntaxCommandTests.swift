import Flux
import Foundation
import Images
import Models
import TestSupport
import Testing
import Torch

@Suite struct PromptSyntaxCommandTests {
  private func draw(_ arguments: [String], in folder: URL, environment: [String: String] = [:]) throws -> Program.Result
  {
    try Program.run(
      ["generate", "-m", "model", "--steps", "1", "--prompt-syntax", "weighted"] + arguments, in: folder,
      environment: environment)
  }

  private func text(_ name: String, _ folder: URL) throws -> String {
    let bytes = [UInt8](try Data(contentsOf: folder.appendingPathComponent(name)))
    return try #require(PNGText.read(bytes).first).text
  }

  @Test func everyImageSaysTheAlternativesThatItsSeedChose() throws {
    try Program.inModelFolder { folder in
      try FileManager.default.createDirectory(
        at: folder.appendingPathComponent("wildcards"), withIntermediateDirectories: true)
      try Data("cat\n".utf8).write(to: folder.appendingPathComponent("wildcards/animal.txt"))
      let result = try draw(["a {red|blue} (__animal__:1.2)", "-b", "8", "-o", "out/"], in: folder)
      #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
      let prompts = try (0..<8).map { try text("out/\($0 + 1)-\($0 + 42).png", folder).split(separator: "\n")[0] }
      #expect(Set(prompts) == ["a red (cat:1.2)", "a blue (cat:1.2)"])
      _ = try draw(["--replay", "out/3-44.png", "-o", "again.png"], in: folder)
      #expect(try text("again.png", folder).split(separator: "\n")[0] == prompts[2])
    }
  }

  @Test func loRAsAreFoundByName() throws {
    try Program.inModelFolder { folder in
      let loras = folder.appendingPathComponent("loras")
      try FileManager.default.createDirectory(at: loras, withIntermediateDirectories: true)
      let model = try ModelBundle(directory: folder.appendingPathComponent("model"))
      try LoRA(for: model.unet, rank: 2, Generator(seed: 3)).save(to: loras.appendingPathComponent("ink.safetensors"))
      let environment = ["FLUX_LORAS": loras.path]
      let result = try draw(["a cat <lora:ink:0.5>", "-o", "a.png"], in: folder, environment: environment)
      #expect(result.code == 0, "\(result.errors)")
      let text = try text("a.png", folder)
      #expect(text.hasPrefix("a cat\nSteps: 1,") && text.contains("LoRA: \"ink:0.5:"))
      let verified = try Program.run(
        ["verify", "a.png"], in: folder, environment: environment.merging(["FLUX_MODELS": folder.path]) { $1 })
      #expect(verified.code == 0, "\(verified.output)")
      let missing = try draw(["a <lora:none:1>"], in: folder, environment: environment)
      #expect(
        missing.code == 1 && missing.errors.contains("there is no LoRA \"none\"") && missing.errors.contains("ink"))
      #expect(try draw(["a {<lora:ink:1>|b}", "-b", "8", "-o", "x/"], in: folder, environment: environment).code == 2)
      let facts = try Program.run(["inspect", "loras/ink.safetensors"], in: folder).output
      #expect(facts.contains(/rank +2|rank 2/), "\(facts)")
    }
  }

  @Test func wordsThatAreCutAreNamedByChunk() throws {
    try Program.inModelFolder { folder in
      let long = String(repeating: "apple ", count: 25) + "pear"
      let result = try draw(["a cat BREAK \(long)", "-o", "a.png"], in: folder)
      #expect(
        result.errors
          == "flux: the prompt is too long; these words are truncated: apple apple apple pear (BREAK begins a new part)\n"
      )
    }
  }

  @Test func aForecastDrawsNothing() throws {
    try Program.inModelFolder { folder in
      let result = try draw(["a cat", "-b", "3", "--dry-run", "-o", "out/"], in: folder)
      #expect(result.output.contains(/^3 images, 6 evaluations of the U-Net, about [\d.]+ s and \d+ MB of memory\n$/))
      #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("out").path))
      let json = try draw(["a cat", "-b", "2", "--json", "-o", "out/"], in: folder).output.split(separator: "\n")
      #expect(json.count == 2 && json[1].contains("\"file\":\"out/2-43.png\",\"seed\":43,\"prompt\":\"a cat\""))
    }
  }
}
