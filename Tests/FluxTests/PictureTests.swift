import Diffusion
import Flux
import Foundation
import Images
import Testing

@Suite struct PictureTests {
  private func picture(_ request: GenerationRequest, model: String = "mini") -> Picture {
    Picture(
      image: Image(width: 2, height: 1, channels: .rgb, pixels: [1, 2, 3, 4, 5, 6]), request: request,
      source: ModelSource(name: model, hash: String(repeating: "ab", count: 32)))
  }

  @Test func parametersAreWrittenAsTheWebUIWritesThem() {
    #expect(
      picture(GenerationRequest(prompt: "a red apple", seed: 7)).parameters == """
        a red apple
        Steps: 20, Sampler: DPM++ 2M, Schedule type: SGM Uniform, CFG scale: 3, Seed: 7, Size: 2x1, \
        Model hash: ababababab, Model: mini, RNG: CPU, Version: flux \(Version.current)
        """)
  }

  @Test func whatDiffersFromTheDefaultsIsSaid() {
    let request = GenerationRequest(
      prompt: "a", negativePrompt: "b, c", sampler: .ddim, spacing: .karras, eta: 0.5,
      guidance: Guidance(scale: 2.5, interval: 0.5...4, rescale: 0.7))
    let lines = picture(request).parameters.split(separator: "\n")
    #expect(lines[1] == "Negative prompt: b, c")
    for part in [
      "Sampler: DDIM", "Schedule type: Karras", "CFG scale: 2.5", "CFG rescale: 0.7", "CFG interval: 0.5-4", "Eta: 0.5",
    ] {
      #expect(lines[2].contains(part), "\(part) in \(lines[2])")
    }
  }

  @Test func valuesThatLookLikeFieldsAreQuoted() {
    #expect(picture(GenerationRequest(prompt: "a"), model: "x, Seed: 1").parameters.contains("Model: \"x, Seed: 1\","))
  }

  @Test func theFileCarriesTheParametersUnlessToldOtherwise() throws {
    let one = picture(GenerationRequest(prompt: "日本"))
    #expect(try PNGText.read(one.png()).map(\.text) == [one.parameters])
    #expect(try PNGText.read(one.png(metadata: false)).isEmpty)
  }
}
