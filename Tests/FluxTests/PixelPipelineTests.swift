import Diffusion
import Flux
import Foundation
import Images
import Models
import NN
import TestSupport
import Testing
import Tokenizers
import Torch

@Suite struct PixelPipelineTests {
  private static let small = PixelUNet.Configuration(
    sampleSize: 8, blockOutChannels: [8, 8], vocabSize: 30_522, embeddingWidth: 8, maxTokens: 12)
  private static let vocabulary = Project.minilm.appendingPathComponent("vocab.txt")

  private func pipeline() throws -> PixelPipeline {
    PixelPipeline(
      model: PixelModel(Self.small, .random(Generator(seed: 1))),
      tokenizer: try WordPieceTokenizer(vocabulary: Self.vocabulary), source: ModelSource(name: "x", hash: ""))
  }

  private func request(
    _ prompt: String = "a red circle", seed: UInt64 = 5, steps: Int = 4, _ sampler: SamplerKind = .ddpm
  ) -> GenerationRequest {
    GenerationRequest(prompt: prompt, seed: seed, steps: steps, sampler: sampler, guidance: Guidance(scale: 1))
  }

  /// x_{t−1} = (x_t − β_t / √(1 − ᾱ_t) · ε) / √(1 − β_t) + √β̃_t · z, with β linear from 10⁻⁴ to 0.02 and β̃_t = β_t (1 −
  /// ᾱ_{t−1}) / (1 − ᾱ_t), where ε is the noise that is left after the clean image was limited to −1…1.
  @Test func everyStepIsTheFormulaOfDDPM() throws {
    let pipeline = try pipeline()
    let request = request(steps: 1000)
    let betas = (0..<1000).map { 1e-4 + (0.02 - 1e-4) * Double($0) / 999 }
    var kept = 1.0
    let alphas = betas.map { beta -> Double in
      kept *= 1 - beta
      return kept
    }
    let noise = NoiseSource(seeds: [request.seed], shape: [3, 8, 8])
    let text = pipeline.encodeText(request.prompt)
    var x = noise.next()
    var visited = 0
    for step in try pipeline.denoise(text, request) {
      let t = 999 - step.index
      let (beta, alpha) = (betas[t], alphas[t])
      let output = withNoGrad { pipeline.model.network(x, at: Tensor([Float(t)]), text) }
      let clean = ((x - output * (1 - alpha).squareRoot()) / alpha.squareRoot()).clamped(to: -1...1)
      let left = (x - clean * alpha.squareRoot()) / (1 - alpha).squareRoot()
      var expected = (x - left * (beta / (1 - alpha).squareRoot())) / (1 - beta).squareRoot()
      if t > 0 { expected = expected + noise.next() * (beta * (1 - alphas[t - 1]) / (1 - alpha)).squareRoot() }
      expectClose(step.latent, expected, atol: 2e-4, "t = \(t)")
      x = step.latent
      visited += 1
    }
    #expect(visited == 1000)
    #expect(x.abs().max().item() <= 1)
  }

  @Test(arguments: SamplerKind.allCases) func everySamplerDraws(_ kind: SamplerKind) throws {
    let image = try #require(try pipeline().generate(request(kind)).first)
    #expect(image.image.width == 8 && image.image.height == 8 && Set(image.image.pixels).count > 1)
    #expect(image.parameters.contains("Sampler: \(kind.displayName)") && image.parameters.contains("CFG scale: 1,"))
  }

  private func request(_ kind: SamplerKind) -> GenerationRequest { request(steps: 4, kind) }

  @Test func promptAndSeedMakeTheImage() throws {
    let pipeline = try pipeline()
    let image = try pipeline.generate(request()).first
    #expect(try pipeline.generate(request()).first == image)
    #expect(try pipeline.generate(request("a blue square")).first?.image != image?.image)
    #expect(try pipeline.generate(request(seed: 6)).first?.image != image?.image)
  }

  @Test func imageKOfABatchIsTheSingleImageOfSeedPlusK() throws {
    let pipeline = try pipeline()
    let images = try pipeline.generate(request(), count: 3)
    let single = try #require(try pipeline.generate(request(seed: 7)).first)
    #expect(images.map(\.request.seed) == [5, 6, 7])
    let differences = zip(images[2].image.pixels, single.image.pixels).map { abs(Int($0) - Int($1)) }
    #expect(try #require(differences.max()) <= 1)  // matrices of other sizes round otherwise
  }

  @Test func whatTheExampleLacksIsRefused() throws {
    let pipeline = try pipeline()
    func sentence(_ change: (inout GenerationRequest) -> Void) -> String {
      var request = request()
      change(&request)
      return #expect(throws: GenerationError.self) { try pipeline.generate(request) }?.description ?? ""
    }
    #expect(sentence { $0.width = 16 } == "this is a model of the pixel-space example: its images have 8×8 pixels")
    #expect(sentence { $0.height = 4 }.hasSuffix("its images have 8×8 pixels"))
    #expect(sentence { $0.guidance.scale = 3 }.hasSuffix("use a scale of 1 and no negative prompt"))
    #expect(sentence { $0.negativePrompt = "blue" }.hasSuffix("use a scale of 1 and no negative prompt"))
  }

  @Test func weightsThatAreNotFiniteAreNamed() throws {
    let pipeline = try pipeline()
    let parameter = try #require(pipeline.model.network.parameters.last)
    withNoGrad { parameter.tensor.fill_(.nan) }
    #expect(throws: GenerationError.notFinite(.unet, step: 0, loras: [])) { try pipeline.generate(request()) }
  }

  @Test func aModelDirectoryIsReadByThisPipelineOnly() throws {
    try Project.inTemporaryFolder { folder in
      let model = PixelModel(Self.small, .random(Generator(seed: 1)))
      try model.save(to: folder)
      #expect(PixelModel.isStored(in: folder))
      let read = try PixelPipeline(model: folder, vocabulary: Self.vocabulary)
      #expect(try read.generate(request())[0].image == pipeline().generate(request())[0].image)
      #expect(read.model.schedule == model.schedule && read.source.hash.count == 64)
      let error = #expect(throws: CheckpointError.self) { try ModelBundle(directory: folder) }
      #expect(error?.description.contains("model of the pixel-space example, which only flux generate reads") == true)
    }
    try Project.inTemporaryFolder { folder in
      try ModelBundle(Preset.tiny.configuration, .empty).save(to: folder)
      #expect(!PixelModel.isStored(in: folder))
    }
  }

  @Test func aVocabularyLargerThanTheEmbeddingsIsRefused() throws {
    try Project.inTemporaryFolder { folder in
      var configuration = Self.small
      configuration.vocabSize = 30_521
      try PixelModel(configuration, .empty).save(to: folder)
      let error = #expect(throws: CheckpointError.self) {
        try PixelPipeline(model: folder, vocabulary: Self.vocabulary)
      }
      let sentence = "unet/config.json: vocab_size is 30521, expected 30522 or more: as vocab.txt has"
      #expect(error?.description.hasSuffix(sentence) == true)
    }
  }

  @Test func aDamagedScheduleIsRefusedByNameOrHarmless() throws {
    try Project.inTemporaryFolder { folder in
      try PixelModel(Self.small, .random(Generator(seed: 1))).save(to: folder)
      try DamagedConfiguration.forEach(folder.appendingPathComponent("scheduler/scheduler_config.json")) { key, value in
        do {
          let pipeline = try PixelPipeline(model: folder, vocabulary: Self.vocabulary)
          _ = try? pipeline.generate(request(steps: 2))
        } catch {
          #expect("\(error)".contains("scheduler_config.json") && "\(error)".contains(key), "\(value): \(error)")
        }
      }
    }
  }
}
