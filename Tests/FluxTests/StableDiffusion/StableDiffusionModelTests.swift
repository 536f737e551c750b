import Diffusion
import Foundation
import NN
import Support
import TestSupport
import Testing
import Torch

@testable import Flux
@testable import Models

@Suite struct StableDiffusionModelTests {
  private let first = Project.golden("stable_diffusion/model")
  private let xl = Project.golden("stable_diffusion_xl/model")

  private func problem(
    _ model: URL, context: Int, pooled: Int? = nil, _ change: (inout UNet.Configuration) -> Void = { _ in }
  ) throws -> String? {
    var unet = try UNet.readConfiguration(model.appendingPathComponent("unet"))
    change(&unet)
    let autoencoder = try AutoencoderKL.load(from: model.appendingPathComponent("vae"))
    return StableDiffusionModel.mismatch(unet, autoencoder, contextWidth: context, pooledWidth: pooled)
  }

  @Test func whatDoesNotFitIsSaidInASentence() throws {
    #expect(try problem(first, context: 32) == nil)
    #expect(try problem(first, context: 32) { $0.inChannels = 9 } == nil)
    #expect(
      try problem(first, context: 33) == "the U-Net reads a context 32 wide, the text encoder makes 33")
    #expect(
      try problem(first, context: 32) { ($0.inChannels, $0.outChannels) = (8, 8) }
        == "the U-Net predicts 8 channels, the autoencoder has 4")
    #expect(
      try problem(first, context: 32) { $0.inChannels = 5 }
        == "the U-Net reads 5 channels, expected 4, or 9 for inpainting"
    )
    #expect(try problem(xl, context: 28, pooled: 20) == nil)
    #expect(
      try problem(xl, context: 29, pooled: 20) == "the U-Net reads a context 28 wide, the text encoders make 29")
    #expect(
      try problem(xl, context: 28, pooled: 21)
        == "the U-Net reads a pooled text 20 wide beside six sizes, the second text encoder makes 21")
    // The refiner's U-Net embeds five sizes.
    let refiner = try problem(xl, context: 28, pooled: 20) { $0.projectionClassEmbeddingsInputDim = 5 * 8 + 20 }
    #expect(refiner?.hasSuffix("it is a refiner's, with five sizes") == true)
  }

  @Test func imagesOfOtherThanThreeChannelsAreRefused() throws {
    let unet = try UNet.readConfiguration(first.appendingPathComponent("unet"))
    try PipelineGolden.withCopy("stable_diffusion") { model in
      let folder = model.appendingPathComponent("vae")
      var configuration = try AutoencoderKL.readConfiguration(folder)
      configuration.inChannels = 1
      let gray = AutoencoderKL(configuration, .random(Generator(seed: 1)))
      #expect(
        StableDiffusionModel.mismatch(unet, gray, contextWidth: 32, pooledWidth: nil)
          == "the autoencoder reads and makes [1, 3] channels, expected 3 of each")
    }
  }

  @Test func aUNetOfAnotherWidthIsRefused() throws {
    try PipelineGolden.withCopy("stable_diffusion") { model in
      let unet = model.appendingPathComponent("unet")
      try FileManager.default.removeItem(at: unet)
      try FileManager.default.copyItem(at: Project.golden("unet_stable/sd1"), to: unet)
      let error = #expect(throws: CheckpointError.self) { _ = try PipelineGolden.pipeline(model) }
      #expect("\(error!)".hasSuffix("the U-Net reads a context 12 wide, the text encoder makes 32"))
      #expect("\(error!)".contains(model.path))
    }
  }

  @Test func aClipSkipBeyondTheModelNamesItAndTheRange() throws {
    for (model, last) in [(first, 2), (xl, 1)] {
      let error = #expect(throws: CheckpointError.self) {
        _ = try PipelineGolden.pipeline(model, .init(clipSkip: 7))
      }
      #expect("\(error!)".contains(model.path) && "\(error!)".hasSuffix("clip skip is 7, expected 0 to \(last)"))
    }
  }

  @Test func theSizesOfXLAreThoseOfItsLatents() throws {
    let pipeline = try PipelineGolden.pipeline(xl)
    let model = try #require(pipeline.model as? StableDiffusionModel)
    let text = try pipeline.encodeText("a fox").conditional
    let latents = Tensor.randn([1, 4, 8, 12], generator: Generator(seed: 1))
    let time = Tensor([500] as [Float], shape: [1])
    var sized = text
    sized.sizes = Tensor([32, 48, 0, 0, 32, 48] as [Float], shape: [1, 6])
    expectClose(model.predict(latents, at: time, text), model.unet(latents, at: time, sized), atol: 1e-6)
    sized.sizes = Tensor([48, 32, 0, 0, 48, 32] as [Float], shape: [1, 6])
    #expect(model.predict(latents, at: time, text).maxDifference(model.unet(latents, at: time, sized)) > 1e-4)
  }
}

@Suite struct StableDiffusionSamplingTests {
  /// The defaults of a model whose scheduler and U-Net say something else.
  private func defaults(
    _ golden: String, scheduler: [String: Any] = [:], unet: [String: Any] = [:]
  ) throws -> SamplingDefaults {
    var found: SamplingDefaults?
    try PipelineGolden.withCopy(golden) { model in
      try PipelineGolden.edit(model.appendingPathComponent("scheduler/scheduler_config.json"), scheduler)
      try PipelineGolden.edit(model.appendingPathComponent("unet/config.json"), unet)
      found = try SamplingDefaults(of: model)
    }
    return try #require(found)
  }

  @Test func modelsThatWereNotDistilledAreGuided() throws {
    #expect(try defaults("stable_diffusion") == SamplingDefaults(steps: 25, guidance: Guidance(scale: 7.5)))
    #expect(try defaults("stable_diffusion_xl") == SamplingDefaults(steps: 25, guidance: Guidance(scale: 6)))
  }

  @Test(arguments: ["stable_diffusion", "stable_diffusion_xl"])
  func modelsForFewStepsBeginAtTheNoisiestTime(_ golden: String) throws {
    for (name, sampler) in [
      ("EulerDiscreteScheduler", SamplerKind.euler), ("EulerAncestralDiscreteScheduler", SamplerKind.euler_a),
    ] {
      let turbo: [String: Any] = ["_class_name": name, "timestep_spacing": "trailing", "steps_offset": 1]
      #expect(
        try defaults(golden, scheduler: turbo)
          == SamplingDefaults(steps: 4, guidance: Guidance(scale: 1), sampler: sampler))
    }
  }

  @Test func consistencyModelsNameTheirSchedulerOrEmbedTheGuidance() throws {
    #expect(
      try defaults("stable_diffusion", scheduler: ["_class_name": "LCMScheduler"])
        == SamplingDefaults(steps: 4, guidance: Guidance(scale: 1), sampler: .lcm))
    #expect(
      try defaults("stable_diffusion", unet: ["time_cond_proj_dim": 8])
        == SamplingDefaults(steps: 4, guidance: Guidance(scale: 8.5), sampler: .lcm))
  }

  @Test func aModelsDefaultsAreThoseOfItsPipeline() throws {
    for name in ["stable_diffusion", "stable_diffusion_xl"] {
      let model = Project.golden("\(name)/model")
      #expect(try PipelineGolden.pipeline(model).model.sampling == SamplingDefaults(of: model))
    }
  }
}
