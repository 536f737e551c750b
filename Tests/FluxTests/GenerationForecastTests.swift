import Diffusion
import Flux
import Images
import Testing

@Suite struct GenerationForecastTests {
  private func forecast(_ requests: [GenerationRequest]) throws -> GenerationForecast {
    try GenerationForecast(requests, model: Preset.tiny.configuration, weights: .init(all: 1000), speed: 1e9, batch: 4)
  }

  @Test func guidanceHeunAndImagesCount() throws {
    func evaluations(_ sampler: SamplerKind, scale: Double) throws -> Int {
      try forecast([
        GenerationRequest(prompt: "a", steps: 10, sampler: sampler, guidance: Guidance(scale: scale))
      ]).evaluations
    }
    #expect(try evaluations(.ddim, scale: 1) == 10)
    #expect(try evaluations(.ddim, scale: 3) == 20)
    #expect(try evaluations(.heun, scale: 1) == 19)
    #expect(try evaluations(.heun, scale: 3) == 38)
    let (one, three) = (
      try forecast([GenerationRequest(prompt: "a")]), try forecast(GenerationRequest(prompt: "a").batch(3))
    )
    #expect(three.flops == 3 * one.flops && three.images == 3)
    #expect(three.seconds > one.seconds && three.peakBytes == one.peakBytes)
  }

  @Test(arguments: [(1.0, 40), (0.5, 20), (0.25, 10), (0.1, 4), (0, 0)])
  func aStrengthDoesItsShareOfTheSteps(_ strength: Double, _ evaluations: Int) throws {
    let image = Image(width: 8, height: 8, channels: .rgb, pixels: .init(repeating: 0, count: 192))
    let request = GenerationRequest(
      prompt: "a", steps: 20, guidance: Guidance(scale: 3), edit: ImageEdit(image: image, strength: strength))
    #expect(try forecast([request]).evaluations == evaluations)
  }

  @Test func whatAModelCannotDrawIsRefused() {
    #expect(throws: (any Error).self) { try forecast([GenerationRequest(prompt: "a", width: 7)]) }
    #expect(throws: (any Error).self) { try forecast([GenerationRequest(prompt: "a", steps: 2000)]) }
  }
}
