import Diffusion
import Flux
import Foundation
import Images
import Support
import TestSupport
import Testing
import Torch

@Suite struct PipelineTests {
  /// An untrained model of preset tiny in a folder of its own, and the folder.
  private func untrained() throws -> (pipeline: Pipeline, folder: URL) {
    let folder = try Project.temporaryFolder()
    let model = ModelBundle(Preset.tiny.configuration, .random(Generator(seed: 1)))
    try model.save(to: folder.appendingPathComponent("model"))
    return (try Pipeline(model: folder.appendingPathComponent("model"), textEncoder: Project.minilm), folder)
  }

  @Test func denoisingErrorsOfANetworkThatPredictsNothingAreKnown() throws {
    let (pipeline, folder) = try untrained()
    defer { try? FileManager.default.removeItem(at: folder) }
    for (_, tensor) in pipeline.model.unet.parameters { withNoGrad { tensor.fill_(0) } }
    let pictures = (1...6).map {
      Image(width: 64, height: 64, channels: .rgb, pixels: .init(repeating: $0 * 40, count: 12288))
    }
    let errors = pipeline.denoisingErrors(pictures, captions: pictures.map { _ in "a cat" }, seed: 1)
    let latents = pipeline.model.autoencoder.encode(TensorImage.tensor(pictures))
    #expect(errors.map(\.timestep) == Pipeline.measuredTimesteps)
    for (timestep, own, other) in errors {
      // v = 0 estimates α x = α² x₀ + α σ ε: an error of −σ² x₀ + α σ ε.
      let (alpha, sigma) = (pipeline.model.schedule.alpha(timestep), pipeline.model.schedule.sigma(timestep))
      let expected = pow(sigma, 4) * latents.square().mean().item() + alpha * alpha * sigma * sigma
      #expect(abs(own / expected - 1) < 0.05 && own == other, "\(timestep)")
    }
  }

  @Test func equalRequestsGiveEqualPictures() throws {
    let (pipeline, folder) = try untrained()
    defer { try? FileManager.default.removeItem(at: folder) }
    let request = GenerationRequest(prompt: "a red apple", seed: 5, steps: 3)
    #expect(try pipeline.generate(request) == pipeline.generate(request))
  }

  @Test func pictureKOfABatchIsTheSinglePictureOfSeedPlusK() throws {
    let (pipeline, folder) = try untrained()
    defer { try? FileManager.default.removeItem(at: folder) }
    let batch = try GenerationRequest(prompt: "a cat", seed: 10, steps: 2).batch(3).map { try pipeline.generate($0) }
    let single = try pipeline.generate(GenerationRequest(prompt: "a cat", seed: 12, steps: 2))
    #expect(batch[2] == single)
    #expect(batch[0].image != single.image)
  }

  @Test func picturesDrawnTogetherAreThoseDrawnSingly() throws {
    let (pipeline, folder) = try untrained()
    defer { try? FileManager.default.removeItem(at: folder) }
    func latents(_ seed: UInt64, _ count: Int) throws -> Tensor {
      let request = GenerationRequest(prompt: "a boat", seed: seed, steps: 3)
      var last: Tensor?
      for step in try pipeline.denoise(pipeline.encodeText(request.prompt), request, count: count) {
        last = step.latent
      }
      return try #require(last)
    }
    let (together, single) = (try latents(7, 3), try latents(9, 1))
    #expect(together.shape == [3] + single.shape.dropFirst())
    let difference = (together.narrowed(0, 2, 1) - single).abs().max([0, 1, 2, 3]).item()
    #expect(difference < 1e-4)
  }

  @Test func theStagesMakeWhatGenerateMakes() throws {
    let (pipeline, folder) = try untrained()
    defer { try? FileManager.default.removeItem(at: folder) }
    let request = GenerationRequest(prompt: "a boat", negativePrompt: "sea", seed: 1, steps: 4)
    let text = pipeline.encodeText(request.prompt, negative: request.negativePrompt)
    var last: Tensor?
    var count = 0
    for step in try pipeline.denoise(text, request) { (last, count) = (step.latent, count + 1) }
    #expect(count == 4)
    #expect(try pipeline.decodeLatents(#require(last))[0] == pipeline.generate(request).image)
  }

  @Test func sizesNeedNotBeTheModels() throws {
    let (pipeline, folder) = try untrained()
    defer { try? FileManager.default.removeItem(at: folder) }
    let image = try pipeline.generate(GenerationRequest(prompt: "a", steps: 1, width: 48, height: 80)).image
    #expect((image.width, image.height) == (48, 80))
  }

  @Test func aSizeThatIsNoMultipleOfACellIsRefused() throws {
    let (pipeline, folder) = try untrained()
    defer { try? FileManager.default.removeItem(at: folder) }
    let error = #expect(throws: GenerationError.self) {
      try pipeline.generate(GenerationRequest(prompt: "a", width: 50))
    }
    #expect(error?.description == "width 50: this model draws multiples of 16 from 16 to 256, such as 48")
  }

  @Test func aStepThatThrowsStopsTheRun() throws {
    struct Stop: Error {}
    let (pipeline, folder) = try untrained()
    defer { try? FileManager.default.removeItem(at: folder) }
    var steps = 0
    #expect(throws: Stop.self) {
      try pipeline.generate(GenerationRequest(prompt: "a", steps: 8)) { _ in
        steps += 1
        if steps == 2 { throw Stop() }
      }
    }
    #expect(steps == 2)
  }

  @Test func wordsThatDoNotFitAreNamed() throws {
    let (pipeline, folder) = try untrained()
    defer { try? FileManager.default.removeItem(at: folder) }
    let long = String(repeating: "apple ", count: 30) + "last"
    #expect(pipeline.encodeText(long).dropped.last == "last")
    #expect(pipeline.encodeText("a red apple").dropped.isEmpty)
  }

  @Test func everySamplerDraws() throws {
    let (pipeline, folder) = try untrained()
    defer { try? FileManager.default.removeItem(at: folder) }
    for kind in SamplerKind.allCases {
      _ = try pipeline.generate(GenerationRequest(prompt: "a", steps: 4, sampler: kind))
    }
  }
}
