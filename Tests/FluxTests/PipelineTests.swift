import Diffusion
import Flux
import Foundation
import Images
import Models
import NN
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

  /// The same in memory, with weights that can be changed.
  private func changeable() throws -> Pipeline {
    let model = ModelBundle(Preset.tiny.configuration, .random(Generator(seed: 1)))
    let prompts = try PromptEncoder(directory: Project.minilm)
    return Pipeline(model: model, prompts: prompts, source: ModelSource(name: "tiny", hash: ""))
  }

  @Test func denoisingErrorsOfANetworkThatPredictsNothingAreKnown() throws {
    let pipeline = try changeable()
    for (_, tensor) in pipeline.model.unet.parameters { withNoGrad { tensor.fill_(0) } }
    let images = (1...6).map {
      Image(width: 64, height: 64, channels: .rgb, pixels: .init(repeating: $0 * 40, count: 12288))
    }
    let errors = pipeline.denoisingErrors(images, captions: images.map { _ in "a cat" }, seed: 1)
    let latents = pipeline.model.encode(TensorImage.tensor(images)) { .zeros([1]) }
    #expect(errors.map(\.timestep) == Pipeline.measuredTimesteps)
    for (timestep, own, other) in errors {
      // v = 0 estimates α x = α² x₀ + α σ ε: an error of −σ² x₀ + α σ ε.
      let (alpha, sigma) = (pipeline.model.schedule.alpha(timestep), pipeline.model.schedule.sigma(timestep))
      let expected = pow(sigma, 4) * latents.square().mean().item() + alpha * alpha * sigma * sigma
      #expect(abs(own / expected - 1) < 0.05 && own == other, "\(timestep)")
    }
  }

  @Test func packedWeightsDrawTheSameImageWithinOneLevel() throws {
    func drawn(packsWeights: Bool) throws -> (image: Image, packed: [Bool]) {
      let mini = Project.root.appendingPathComponent("models/mini")
      let model = try ModelBundle(directory: mini)
      let pipeline = try Pipeline(
        model: model, prompts: PromptEncoder(directory: Project.minilm), source: ModelSource(model: mini),
        packsWeights: packsWeights)
      let image = try pipeline.generate(GenerationRequest(prompt: "a red apple", seed: 5, steps: 4)).image
      let networks: [any Module] = [model.unet, model.autoencoder.decoder]
      return (image, networks.map { $0.parameters.contains { $0.tensor.packed != nil } })
    }
    let (plain, packed) = (try drawn(packsWeights: false), try drawn(packsWeights: true))
    #expect(plain.packed == [false, false])
    let isPossible = Libtorch.packsWeights && PackedWeights.isSupported(.float32)
    #expect(packed.packed == [isPossible, isPossible])
    #expect(zip(plain.image.pixels, packed.image.pixels).allSatisfy { abs(Int($0) - Int($1)) <= 1 })
  }

  @Test func equalRequestsGiveEqualImages() throws {
    let (pipeline, folder) = try untrained()
    defer { try? FileManager.default.removeItem(at: folder) }
    let request = GenerationRequest(prompt: "a red apple", seed: 5, steps: 3)
    #expect(try pipeline.generate(request) == pipeline.generate(request))
  }

  @Test func imageKOfABatchIsTheSingleImageOfSeedPlusK() throws {
    let (pipeline, folder) = try untrained()
    defer { try? FileManager.default.removeItem(at: folder) }
    let batch = try GenerationRequest(prompt: "a cat", seed: 10, steps: 2).batch(3).map { try pipeline.generate($0) }
    let single = try pipeline.generate(GenerationRequest(prompt: "a cat", seed: 12, steps: 2))
    #expect(batch[2] == single)
    #expect(batch[0].image != single.image)
  }

  @Test func requestsWithOtherPromptsDrawnTogetherAreThoseDrawnSingly() throws {
    let (pipeline, folder) = try untrained()
    defer { try? FileManager.default.removeItem(at: folder) }
    let requests = [
      GenerationRequest(prompt: "a boat", seed: 5, steps: 3),
      GenerationRequest(prompt: "a much longer prompt with a cat", negativePrompt: "a dog", seed: 9, steps: 3),
    ]
    var together: Tensor?
    for step in try pipeline.denoise(together: requests) { together = step.latent }
    let rows = try #require(together)
    for (row, request) in requests.enumerated() {
      let text = try pipeline.encodeText(request.prompt, negative: request.negativePrompt)
      var alone: Tensor?
      for step in try pipeline.denoise(text, request) { alone = step.latent }
      expectClose(rows[row..<row + 1], try #require(alone), atol: 1e-4)
    }
  }

  /// What else is in a batch changes no bit, so that a batch of copies, padded alike, draws the image again.
  @Test func anImageAmongOtherPromptsIsThatOfABatchOfItsCopies() throws {
    let (pipeline, folder) = try untrained()
    defer { try? FileManager.default.removeItem(at: folder) }
    let requests = ["a boat", "a much longer prompt with a cat", "a cat"].enumerated().map {
      GenerationRequest(prompt: $1, seed: 40 &+ UInt64($0 * $0), steps: 3)
    }
    let images = try pipeline.generate(together: requests)
    for (index, image) in images.enumerated() {
      let batch = try #require(image.run?.batch)
      #expect((batch.index, batch.count, batch.tokens) == (index, 3, 9))  // seven words between [CLS] and [SEP]
      #expect(image.request == (try pipeline.generate(requests[index])).request)
      let copies = [GenerationRequest](repeating: requests[index], count: 3)
      #expect(try pipeline.generate(together: copies, tokens: 9)[index].image == image.image)
    }
    #expect(try pipeline.generate(together: [requests[0]], tokens: 1_000_000)[0].run?.batch.tokens == 24)
    #expect(try pipeline.generate(together: [requests[1]], tokens: 1)[0].run?.batch.tokens == 9)
  }

  @Test func onlyRequestsThatDifferInPromptsAndSeedsShareABatch() {
    let request = GenerationRequest(prompt: "a boat", seed: 5)
    #expect(request.canShareBatch(with: GenerationRequest(prompt: "a cat", negativePrompt: "x", seed: 6)))
    #expect(!request.canShareBatch(with: GenerationRequest(prompt: "a boat", seed: 5, steps: 19)))
    #expect(!request.canShareBatch(with: GenerationRequest(prompt: "a boat", seed: 5, guidance: .init(scale: 2))))
  }

  @Test func theSizesOfAModelAreReadWithoutItsWeights() throws {
    let (pipeline, folder) = try untrained()
    defer { try? FileManager.default.removeItem(at: folder) }
    let directory = folder.appendingPathComponent("model")
    #expect(try ModelBundle.Configuration(directory: directory) == pipeline.bundle?.configuration)
  }

  @Test func imagesDrawnTogetherAreThoseDrawnSingly() throws {
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

  @Test func imagesOfABatchHaveTheirOwnSeedsAndThePixelsThatTheyHaveAlone() throws {
    let (pipeline, folder) = try untrained()
    defer { try? FileManager.default.removeItem(at: folder) }
    let request = GenerationRequest(prompt: "a boat", negativePrompt: "sea", seed: 7, steps: 3)
    let text = try pipeline.encodeText(request.prompt, negative: request.negativePrompt)
    var steps = 0
    let batch = try pipeline.generate(request, count: 3, text: text) { _ in steps += 1 }
    #expect(steps == 3)
    #expect(batch.map(\.request.seed) == [7, 8, 9])
    for result in batch {
      let alone = try pipeline.generate(result.request)
      #expect(alone.request == result.request)
      let differences = zip(alone.image.pixels, result.image.pixels).map { abs(Int($0) - Int($1)) }
      // Matrix products of other sizes round otherwise in the last bits, which 8 bits hardly show.
      #expect(differences.max() ?? 0 <= 1 && differences.reduce(0, +) * 100 < differences.count)
    }
  }

  @Test func theStagesMakeWhatGenerateMakes() throws {
    let (pipeline, folder) = try untrained()
    defer { try? FileManager.default.removeItem(at: folder) }
    let request = GenerationRequest(prompt: "a boat", negativePrompt: "sea", seed: 1, steps: 4)
    let text = try pipeline.encodeText(request.prompt, negative: request.negativePrompt)
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
    #expect(
      error?.description
        == "width 50: this model generates multiples of 16 from 16 to 64, such as 48, and larger images up to 512")
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
    #expect(try pipeline.encodeText(long).dropped.last == "last")
    #expect(try pipeline.encodeText("a red apple").dropped.isEmpty)
  }

  @Test func everySamplerDraws() throws {
    let (pipeline, folder) = try untrained()
    defer { try? FileManager.default.removeItem(at: folder) }
    for kind in SamplerKind.allCases {
      _ = try pipeline.generate(GenerationRequest(prompt: "a", steps: 4, sampler: kind))
    }
  }

  /// NaN and infinity in one number of a network, and which of the parts is named.
  @Test(arguments: [Double.nan, .infinity, -.infinity])
  func aNetworkThatGivesNoFiniteNumbersIsNamed(_ value: Double) throws {
    func part(_ damage: (Pipeline) -> Tensor?) throws -> GenerationError.NetworkPart? {
      let pipeline = try changeable()
      let tensor = try #require(damage(pipeline))
      withNoGrad { tensor.fill_(value) }
      do {
        _ = try pipeline.generate(GenerationRequest(prompt: "a red apple", steps: 2))
      } catch GenerationError.notFinite(let part, _, _) { return part }
      return nil
    }
    func named(_ module: any Module, _ key: String) -> Tensor? {
      module.parameters.first { $0.key == key || $0.key.hasPrefix(key) }?.tensor
    }
    #expect(try part { named($0.bundle!.autoencoder, "decoder.conv_out") } == .decoder)
    #expect(try part { named($0.model.unet, "conv_out.bias") } == .unet)
    #expect(try part { $0.bundle?.adapter.parameters.last?.tensor } == .textAdapter)
    #expect(try part { named($0.prompts!.encoder, "embeddings.LayerNorm.bias") } == .textEncoder)
  }

  /// The further levels of a decoder, and a decoder of another kind.
  @Test func noDecoderPaintsWhatIsNotFinite() throws {
    let (tiny, folder) = try untrained()
    defer { try? FileManager.default.removeItem(at: folder) }
    for (preset, part) in [(Preset.mini, GenerationError.NetworkPart.superResolution), (.midi, .decoder)] {
      let model = ModelBundle(preset.configuration, .random(Generator(seed: 1)))
      let pipeline = Pipeline(
        model: model, prompts: try #require(tiny.prompts), source: ModelSource(name: "x", hash: ""))
      let latents = Tensor.zeros([1, model.configuration.autoencoder.latentChannels, 2, 2])
      #expect(try pipeline.decodeLatents(latents).count == 1)
      let last = try #require(
        part == .decoder
          ? model.autoencoder.decoder.parameters.last : model.autoencoder.superResolution?.parameters.last)
      withNoGrad { last.tensor.fill_(.nan) }
      let error = #expect(throws: GenerationError.self) { try pipeline.decodeLatents(latents) }
      #expect(error == .notFinite(part, step: nil, loras: []), "\(preset)")
    }
  }

  /// A LoRA that is sound by itself, but too much at its scale, is not the fault of the model alone.
  @Test func aLoRAThatIsTooMuchIsNamedBesideTheModel() throws {
    let (pipeline, folder) = try untrained()
    defer { try? FileManager.default.removeItem(at: folder) }
    let lora = LoRA(for: pipeline.model.unet, rank: 1, Generator(seed: 1))
    withNoGrad { for (_, tensor) in lora.parameters { tensor.fill_(1e19) } }
    let file = folder.appendingPathComponent("ink.safetensors")
    try lora.save(to: file)
    let model = folder.appendingPathComponent("model")
    let strong = try Pipeline(model: model, textEncoder: Project.minilm, loras: [(file, 100)])
    let error = #expect(throws: GenerationError.self) { try strong.generate(GenerationRequest(prompt: "a", steps: 1)) }
    #expect(error?.description.hasSuffix("or the LoRA scale is too high (ink)") == true)
    // Times 0 it is no part of the image, and none of its text.
    let none = try Pipeline(model: model, textEncoder: Project.minilm, loras: [(file, 0)])
    #expect(try none.generate(GenerationRequest(prompt: "a", steps: 1)).source.loras.isEmpty)
  }

  @Test func anImageRecordsOnlyWhatHadAnEffect() throws {
    let (pipeline, folder) = try untrained()
    defer { try? FileManager.default.removeItem(at: folder) }
    func drawn(_ change: (inout GenerationRequest) -> Void) throws -> GenerationRequest {
      var request = GenerationRequest(prompt: "a cat", negativePrompt: "dog", steps: 2)
      change(&request)
      return try pipeline.generate(request).request
    }
    #expect(try drawn { $0.guidance.scale = 1 }.negativePrompt == "")
    #expect(try drawn { $0.guidance = Guidance(scale: 3, interval: 1e8...1e9) }.guidance == Guidance(scale: 1))
    #expect(try drawn { $0.eta = 0.5 }.eta == 0)
    #expect(try drawn { ($0.eta, $0.sampler) = (0.5, .ddim) }.eta == 0.5)
    #expect(try drawn { _ in }.negativePrompt == "dog")
  }

  @Test func seedsBeyond32BitsDrawOtherImages() throws {
    let (pipeline, folder) = try untrained()
    defer { try? FileManager.default.removeItem(at: folder) }
    let images = try [42, (1 << 32) + 42, (1 << 63) + 42].map {
      try pipeline.generate(GenerationRequest(prompt: "a", seed: $0, steps: 1)).image
    }
    #expect(images[0] != images[1] && images[1] != images[2] && images[0] != images[2])
  }
}
