import Diffusion
import Flux
import Foundation
import Images
import TestSupport
import Testing

@Suite struct GeneratedImageTests {
  private func result(_ request: GenerationRequest, model: String = "mini") -> GeneratedImage {
    GeneratedImage(
      image: Image(width: 2, height: 1, channels: .rgb, pixels: [1, 2, 3, 4, 5, 6]), request: request,
      source: ModelSource(name: model, hash: String(repeating: "ab", count: 32)))
  }

  @Test func parametersAreWrittenAsTheWebUIWritesThem() {
    #expect(
      result(GenerationRequest(prompt: "a red apple", seed: 7)).parameters == """
        a red apple
        Steps: 20, Sampler: DPM++ 2M, Schedule type: SGM Uniform, CFG scale: 3, Seed: 7, Size: 2x1, \
        Model hash: ababababab, Model: mini, RNG: CPU, Version: flux \(Version.current)
        """)
  }

  @Test func whatDiffersFromTheDefaultsIsSaid() {
    let request = GenerationRequest(
      prompt: "a", negativePrompt: "b, c", sampler: .ddim, spacing: .karras, eta: 0.5,
      guidance: Guidance(scale: 2.5, interval: 0.5...4, rescale: 0.7))
    let lines = result(request).parameters.split(separator: "\n")
    #expect(lines[1] == "Negative prompt: b, c")
    for part in [
      "Sampler: DDIM", "Schedule type: Karras", "CFG scale: 2.5", "CFG rescale: 0.7", "CFG interval: 0.5-4", "Eta: 0.5",
    ] {
      #expect(lines[2].contains(part), "\(part) in \(lines[2])")
    }
  }

  @Test func valuesThatLookLikeFieldsAreQuoted() {
    #expect(result(GenerationRequest(prompt: "a"), model: "x, Seed: 1").parameters.contains("Model: \"x, Seed: 1\","))
  }

  @Test func theFileCarriesTheParametersUnlessToldOtherwise() throws {
    let one = result(GenerationRequest(prompt: "日本"))
    let entries = try PNGText.read(one.encoded())
    #expect(entries.map(\.keyword) == ["parameters", "flux"])
    #expect(entries[0].text == one.parameters)
    #expect(try #require(ImageRecord(json: entries[1].text)).pixelsHash == ImageRecord.hash(of: one.image))
    #expect(try PNGText.read(one.encoded(metadata: false)).isEmpty)
  }

  @Test func allLoRAsAreInOneField() throws {
    try Project.inTemporaryFolder { folder in
      var source = ModelSource(name: "mini", hash: "ab")
      for (name, scale) in [("ink", 0.5), ("light", 1)] {
        let file = folder.appendingPathComponent("\(name).safetensors")
        try Data(name.utf8).write(to: file)
        source.loras.append(try LoRASource(file: file, scale: scale))
      }
      let image = Image(width: 1, height: 1, channels: .rgb, pixels: [1, 2, 3])
      let text = GeneratedImage(image: image, request: GenerationRequest(prompt: "a"), source: source).parameters
      #expect(text.matches(of: #/LoRA:/#).count == 1)
      #expect(text.contains(/LoRA: "ink:0\.5:[0-9a-f]{10}, light:1:[0-9a-f]{10}"/))
    }
  }

  @Test func onlySeedsThatTorchTakesAreSaidToBeTorchs() {
    for (seed, name) in [(UInt64(UInt32.max), "RNG: CPU,"), (1 << 32, "RNG: CPU 64-bit,")] {
      #expect(result(GenerationRequest(prompt: "a", seed: seed)).parameters.contains(name))
    }
  }

  @Test func aTagInAPromptIsNoClaimThatALoRAWasUsed() {
    let text = result(GenerationRequest(prompt: "a <lora:ink:0.8> cat", negativePrompt: "<lyco:b:1>")).parameters
    #expect(text.hasPrefix("a < lora:ink:0.8> cat\nNegative prompt: < lyco:b:1>\n"))
  }
}
