import Diffusion
import Foundation
import Images
import Models
import TestSupport
import Testing
import Torch

@testable import Flux

/// Previews by an `AutoencoderTiny` beside a model of Stable Diffusion.
@Suite struct PreviewDecoderTests {
  private let model = Project.golden("stable_diffusion/model")
  private let taesd = Project.golden("autoencoder_tiny/like-taesd")
  private let request = GenerationRequest(
    prompt: "a cat", seed: 3, steps: 3, guidance: Guidance(scale: 4), width: 48, height: 32)

  private func pipeline(_ model: URL, decoder: URL?, precision: Precision = .float32) throws -> Pipeline {
    try Pipeline(
      model: model, textEncoder: Project.minilm, vocabulary: PipelineGolden.vocabulary,
      options: .init(previewDecoder: decoder), precision: precision, residency: .needed)
  }

  @Test(arguments: ["stable_diffusion", "stable_diffusion_xl"], [Precision.float32, .bfloat16])
  func previewsAreDecodedAndTheFinishedImageIsTheSame(_ golden: String, _ precision: Precision) throws {
    let model = Project.golden("\(golden)/model")
    let plain = try pipeline(model, decoder: nil, precision: precision)
    let decoding = try pipeline(model, decoder: taesd, precision: precision)
    let tiny = try AutoencoderTiny.load(from: taesd)
    var count = 0
    let drawn = try decoding.generate(request) { step in
      let preview = try decoding.previewImages(of: step.clean)[0]
      #expect(preview == withInference { TensorImage.images(tiny.decode(step.clean))[0] })
      #expect(preview.width == 48 && preview.height == 32)
      #expect(try preview != plain.previewImages(of: step.clean)[0])
      count += 1
    }
    #expect(try count == 3 && drawn.image == plain.generate(request).image)
    #expect(try drawn.source == plain.generate(request).source, "the image does not depend on it")
  }

  @Test func theServerPreviewsWithItToo() throws {
    let photo = Image(width: 48, height: 48, channels: .rgb, pixels: .init(repeating: 90, count: 3 * 48 * 48))
    let mask = Image(width: 48, height: 48, channels: .gray, pixels: (0..<48 * 48).map { $0 % 48 < 24 ? 255 : 0 })
    let decoding = try pipeline(model, decoder: taesd)
    let denoising = try decoding.denoising(request)
    let latent = denoising.steps.latent
    #expect(try denoising.preview(of: latent) == decoding.previewImages(of: latent)[0])
    let edit = ImageEdit(image: photo, mask: mask, inpainting: Inpainting(blur: 0))
    let masked = try decoding.denoising(GenerationRequest(prompt: "a", steps: 3, edit: edit))
    let preview = try masked.preview(of: masked.steps.latent)
    #expect(preview.width == 48 && preview.height == 48)
    #expect(Array(preview.pixels[72..<144]) == Array(photo.pixels[72..<144]), "what the mask keeps")
    #expect(Array(preview.pixels[..<72]) != Array(photo.pixels[..<72]))
  }

  @Test func anAutoencoderTinyOfItsOwnPreviewsWithoutTheOption() throws {
    try PipelineGolden.withCopy("stable_diffusion") { model in
      let vae = model.appendingPathComponent("vae")
      try FileManager.default.removeItem(at: vae)
      try FileManager.default.copyItem(at: taesd, to: vae)
      let pipeline = try pipeline(model, decoder: nil)
      let latents = Tensor.randn([1, 4, 8, 12], generator: Generator(seed: 1))
      #expect(try pipeline.previewImages(of: latents)[0] == pipeline.decodeLatents(latents)[0])
    }
  }

  /// The error names the file, the key, what it is and what was expected.
  private func sentence(_ model: URL, _ decoder: URL) throws -> String {
    let error = #expect(throws: CheckpointError.self) { try pipeline(model, decoder: decoder) }
    let forecast = #expect(throws: CheckpointError.self) {
      try Pipeline.sizes(ofModel: model, options: .init(previewDecoder: decoder))
    }
    #expect(error == forecast, "known before weights are read")
    return error?.description ?? ""
  }

  @Test(
    arguments: [
      ("latent_channels", 16, "latent_channels is 16, expected 4, the channels that the U-Net predicts"),
      ("out_channels", 4, "out_channels is 4, expected 3, red, green and blue"),
      ("scaling_factor", 0.13025, "scaling_factor is 0.13025, expected 1, or 0.18215, which the model's"),
      ("_class_name", "AutoencoderKL", "_class_name is \"AutoencoderKL\", expected AutoencoderTiny"),
    ] as [(String, any Sendable, String)])
  func whatDoesNotFitIsRefusedByName(_ key: String, _ value: any Sendable, _ expected: String) throws {
    try Project.inTemporaryFolder { folder in
      let decoder = folder.appendingPathComponent("taesd")
      try FileManager.default.copyItem(at: taesd, to: decoder)
      let config = decoder.appendingPathComponent("config.json")
      try PipelineGolden.edit(config, [key: value])
      let text = try sentence(model, decoder)
      #expect(text.hasPrefix("\(config.path): \(expected)"), "\(text)")
    }
  }

  @Test func theScaleOfTheModelsOwnAutoencoderFits() throws {
    try Project.inTemporaryFolder { folder in
      let decoder = folder.appendingPathComponent("taesd")
      try FileManager.default.copyItem(at: taesd, to: decoder)
      try PipelineGolden.edit(decoder.appendingPathComponent("config.json"), ["scaling_factor": 0.18215])
      let latents = Tensor.randn([1, 4, 8, 12], generator: Generator(seed: 1))
      let expected = withInference {
        TensorImage.images((try? AutoencoderTiny.load(from: taesd))!.decode(latents / 0.18215))[0]
      }
      #expect(try pipeline(model, decoder: decoder).previewImages(of: latents)[0] == expected)
    }
  }

  @Test func anotherNumberOfPixelsACellIsRefused() throws {
    try Project.inTemporaryFolder { folder in
      let decoder = folder.appendingPathComponent("taesd")
      try AutoencoderTiny(.init(), .random(Generator(seed: 1))).save(to: decoder)
      #expect(
        try sentence(model, decoder)
          == "\(decoder.path)/config.json: decoder_block_out_channels is a list of 4, expected 3 for 4 pixels a latent cell"
      )
    }
  }

  @Test func whatIsNoDirectoryOfADecoderIsRefused() throws {
    let file = URL(fileURLWithPath: "/nowhere/taesd_decoder.safetensors")
    #expect(try sentence(model, file).hasPrefix("\(file.path): a preview decoder is a directory with config.json and"))
    let missing = URL(fileURLWithPath: "/nowhere/taesd")
    #expect(try sentence(model, missing).contains("/nowhere/taesd/config.json"))
    try Project.inTemporaryFolder { folder in
      try FileManager.default.copyItem(
        at: taesd.appendingPathComponent("config.json"), to: folder.appendingPathComponent("config.json"))
      #expect(throws: CheckpointError.self) { try pipeline(model, decoder: folder) }
    }
  }

  @Test func modelsOfFluxAreRefused() throws {
    try Project.inTemporaryFolder { folder in
      try ModelBundle(Preset.tiny.configuration, .random(Generator(seed: 1))).save(to: folder)
      #expect(
        try sentence(folder, taesd)
          == "\(folder.path): a preview decoder is for models of Stable Diffusion; this one previews with its own decoder"
      )
    }
  }
}
