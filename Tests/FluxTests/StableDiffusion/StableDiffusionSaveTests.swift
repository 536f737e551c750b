import Diffusion
import Flux
import Foundation
import Images
import Models
import Support
import TestSupport
import Testing
import Torch

/// Directories in diffusers' layout that Flux writes.
@Suite struct StableDiffusionSaveTests {
  private let model = Project.golden("stable_diffusion/model")
  private let request = GenerationRequest(prompt: "a red fox", seed: 3, steps: 3, width: 32, height: 32)

  private func picture(_ model: URL) throws -> Image {
    try Pipeline(model: model, textEncoder: Project.minilm).generate(request).image
  }

  private func save(
    _ storage: Quantization, _ options: StableDiffusionModel.Options = .init(), of model: URL? = nil, in folder: URL
  ) throws -> URL {
    let files = try StableDiffusionFiles(model ?? self.model)
    let target = folder.appendingPathComponent("written")
    try StableDiffusionModel(files, vocabulary: Project.golden("clip_tokenizer/toy"), options)
      .save(to: target, as: storage, from: files)
    return target
  }

  @Test func aWrittenDirectoryGivesTheSamePicture() throws {
    try Project.inTemporaryFolder { folder in
      let target = try save(.float32, in: folder)
      #expect(try picture(target).pixels == picture(model).pixels)
      let summary = try ModelSummary(target)
      #expect(summary.networks.map(\.type) == ["float32", "float32", "float32"])
      #expect(summary.networks.map(\.name) == ["unet", "vae", "text_encoder"])
    }
  }

  @Test func aModelOfSDXLKeepsBothTextEncoders() throws {
    try Project.inTemporaryFolder { folder in
      let model = Project.golden("stable_diffusion_xl/model")
      let target = try save(.float32, of: model, in: folder)
      #expect(try picture(target).pixels == picture(model).pixels)
      let summary = try ModelSummary(target)
      #expect(summary.family == "Stable Diffusion XL")
      #expect(summary.networks.map(\.name) == ["unet", "vae", "text_encoder", "text_encoder_2"])
    }
  }

  @Test(arguments: [(Quantization.bfloat16, 6.0), (.int8, 25.0)]) func smallerWeightsGiveNearlyTheSamePicture(
    _ storage: Quantization, _ tolerance: Double
  ) throws {
    try Project.inTemporaryFolder { folder in
      let target = try save(storage, in: folder)
      let (drawn, expected) = (try picture(target).pixels, try picture(model).pixels)
      let mean = zip(drawn, expected).reduce(0.0) { $0 + abs(Double($1.0) - Double($1.1)) } / Double(drawn.count)
      #expect(mean < tolerance, "\(mean)")
      #expect(mean > 0)
      #expect(try ModelSummary(target).bytes < ModelSummary(model).bytes * 3 / 2)
    }
  }

  @Test func aChosenPredictionIsWritten() throws {
    try Project.inTemporaryFolder { folder in
      let target = try save(.float32, .init(prediction: .v), in: folder)
      #expect(try ModelSummary(target).prediction == "v_prediction")
      let fields = try #require(
        JSONValue(Array(Data(contentsOf: target.appendingPathComponent("scheduler/scheduler_config.json")))))
      #expect(fields["skip_prk_steps"] != nil, "what Flux does not use is kept for other programs")
    }
  }

  @Test func theSummarySaysHowAModelIsDrawnWith() throws {
    let summary = try ModelSummary(model)
    #expect(summary.imageSize == 48 && summary.latent == [4, 12, 12])
    #expect(summary.schedule?.scheduler == .pndm && summary.schedule?.timestepSpacing == .leading)
    #expect(summary.sampling?.steps == 25 && summary.sampling?.guidance.scale == 7.5)
    #expect(summary.license == nil && summary.unused.isEmpty)
    #expect(summary.networks.map(\.className) == ["UNet2DConditionModel", "AutoencoderKL", "CLIPTextModel"])
    #expect(summary.networks.map(\.type) == ["float16", "float16", "float16"])
  }

  /// Packed weights included, which a U-Net in bfloat16 has.
  @Test(arguments: ["stable_diffusion", "stable_diffusion_xl"], [Precision.float32, .bfloat16])
  func theForecastOfWeightsIsWhatTheyTakeInMemory(_ golden: String, _ precision: Precision) throws {
    let model = Project.golden("\(golden)/model")
    let taesd = golden == "stable_diffusion" ? Project.golden("autoencoder_tiny/like-taesd") : nil
    let options = StableDiffusionModel.Options(autoencoder: taesd)
    let weights = try GenerationForecast.WeightBytes(of: StableDiffusionFiles(model), options, precision, on: .cpu)
    let pipeline = try Pipeline(model: model, textEncoder: Project.minilm, options: options, precision: precision)
    let read = try #require(pipeline.model as? StableDiffusionModel)
    // U-Net, autoencoder, text encoders.
    let bytes = read.networks.map { bytesInMemory($0.network.parameters.map(\.tensor)) }
    #expect(weights.denoising == bytes[0] && weights.decoding == bytes[1])
    #expect(weights.reading == bytes.dropFirst(2).reduce(0, +))
  }

  @Test func memoryIsThatOfOneNetworkAfterTheOther() throws {
    let summary = try ModelSummary(model)
    let weights = try GenerationForecast.WeightBytes(of: StableDiffusionFiles(model), .init(), .float32, on: .cpu)
    let sizes = try StableDiffusionModel.Configuration(StableDiffusionFiles(model))
    func peak(_ weights: GenerationForecast.WeightBytes) throws -> Int {
      try GenerationForecast([GenerationRequest(prompt: "a")], model: sizes, weights: weights, speed: 1e9, batch: 4)
        .peakBytes
    }
    let all = summary.networks.reduce(0) { $0 + $1.bytes }
    #expect(try peak(weights) < peak(.init(all: all)))
    var larger = weights
    larger.denoising += 1 << 30
    #expect(try peak(larger) > peak(weights))
  }

  @Test func aForecastNeedsNoWeights() throws {
    let sizes = try StableDiffusionModel.Configuration(StableDiffusionFiles(model))
    let pipeline = try Pipeline(model: model, textEncoder: Project.minilm)
    #expect(sizes.geometry == pipeline.model.geometry && sizes.maxTokens == pipeline.conditioner.maxTokens)
    #expect(sizes.flops(height: 4, width: 6, tokens: 77) == pipeline.model.flops(height: 4, width: 6, tokens: 77))
    let requests = [GenerationRequest(prompt: "a", steps: 5, sampler: .ddim, guidance: Guidance(scale: 3))]
    let forecast = try GenerationForecast(requests, model: sizes, weights: .init(all: 1000), speed: 1e9, batch: 4)
    #expect(forecast.evaluations == 10)
    let cost = sizes.flops(height: 12, width: 12, tokens: 77)
    #expect(forecast.flops == Double(10 * cost.unet + cost.decoder))
  }
}
