import Diffusion
import Foundation
import Images
import Models
import NN
import TestSupport
import Testing
import Torch

@testable import Flux

@Suite struct ResidencyTests {
  private func pipeline(
    _ model: URL, _ residency: Residency, loras: [(file: URL, scale: Double)] = [], precision: Precision = .float32
  ) throws -> Pipeline {
    try Pipeline(
      model: model, textEncoder: Project.minilm, vocabulary: PipelineGolden.vocabulary, loras: loras,
      precision: precision, residency: residency)
  }

  private let request = GenerationRequest(
    prompt: "a cat", seed: 3, steps: 3, guidance: Guidance(scale: 4), width: 48, height: 32)

  private func isLoaded(_ module: any Module) -> Bool { module.parameters.allSatisfy(\.tensor.values.allFinite) }

  /// In bfloat16 the U-Net is packed whenever it is read, where that pays.
  @Test(arguments: ["stable_diffusion", "stable_diffusion_xl"], [Precision.float32, .bfloat16])
  func imagesAreTheSameWhetherPartsStayInMemoryOrNot(_ golden: String, _ precision: Precision) throws {
    let model = Project.golden("\(golden)/model")
    let (all, needed) = (
      try pipeline(model, .all, precision: precision), try pipeline(model, .needed, precision: precision)
    )
    let isPacked = precision == .bfloat16 && Libtorch.packsWeights && PackedWeights.usesWinograd(.bfloat16)
    #expect(all.model.unet.parameters.contains { $0.tensor.packed != nil } == isPacked)
    var edited = request
    edited.edit = ImageEdit(
      image: Image(width: 48, height: 32, channels: .rgb, pixels: .init(repeating: 90, count: 3 * 48 * 32)),
      strength: 0.7)
    for request in [request, edited] {
      let expected = try all.generate(request, count: 2).map(\.image)
      #expect(try needed.generate(request, count: 2).map(\.image) == expected)
    }
    let together = [request, request.image(1)]
    #expect(
      try needed.generate(together: together).map(\.image) == all.generate(together: together).map(\.image))
  }

  @Test func onlyThePartInUseIsInMemory() throws {
    let pipeline = try pipeline(Project.golden("stable_diffusion/model"), .needed)
    let model = try #require(pipeline.model as? StableDiffusionModel)
    let encoder = model.prompts.encoder
    #expect(!isLoaded(encoder) && !isLoaded(model.unet) && !isLoaded(model.autoencoder))
    _ = try pipeline.generate(request) { _ in
      #expect(!isLoaded(encoder) && isLoaded(model.unet) && !isLoaded(model.autoencoder))
    }
    #expect(!isLoaded(encoder) && !isLoaded(model.unet) && !isLoaded(model.autoencoder))
  }

  @Test func aPartThatIsHeldStaysAsItWasChanged() throws {
    let pipeline = try pipeline(Project.golden("stable_diffusion/model"), .needed)
    let model = try #require(pipeline.model as? StableDiffusionModel)
    try model.hold(.denoiser)
    let bias = try #require(model.unet.parameters.first { $0.key == "conv_out.bias" }?.tensor)
    bias.fill_(0.25)
    _ = try pipeline.generate(request)
    #expect(isLoaded(model.unet) && bias.doubles().allSatisfy { $0 == 0.25 })
    #expect(!isLoaded(model.prompts.encoder))
  }

  @Test func aStepMayBeDecodedOnTheWay() throws {
    let model = Project.golden("stable_diffusion/model")
    let expected = try pipeline(model, .all).generate(request).image
    let needed = try pipeline(model, .needed)
    let drawn = try needed.generate(request) { step in _ = try needed.decodeLatents(step.clean) }
    #expect(drawn.image == expected)
  }

  /// The decoder would take memory beside the U-Net, and the time of a step or two.
  @Test(arguments: [("stable_diffusion", [172, 157, 169]), ("stable_diffusion_xl", [188, 179, 183])])
  func aStepIsPreviewedWithoutTheDecoder(_ golden: String, _ color: [UInt8]) throws {
    let pipeline = try pipeline(Project.golden("\(golden)/model"), .needed)
    let model = try #require(pipeline.model as? StableDiffusionModel)
    _ = try pipeline.generate(request) { step in
      let preview = try pipeline.previewImages(of: step.clean)[0]
      #expect(preview.width == 48 && preview.height == 32 && !isLoaded(model.autoencoder))
    }
    let first = Tensor([1, 0, 0, 0] as [Float], shape: [1, 4, 1, 1]).expanded([1, 4, 2, 3])
    #expect(try Array(pipeline.previewImages(of: first)[0].pixels.prefix(3)) == color)
  }

  @Test(arguments: [Precision.float32, .bfloat16])
  func aLoRAIsMergedWheneverAPartIsRead(_ precision: Precision) throws {
    let model = Project.golden("stable_diffusion/model")
    let loras = [(file: Project.golden("stable_diffusion_lora/peft.safetensors"), scale: 0.8)]
    let expected = try pipeline(model, .all, loras: loras, precision: precision).generate(request).image
    let needed = try pipeline(model, .needed, loras: loras, precision: precision)
    for _ in 0..<2 { #expect(try needed.generate(request).image == expected) }
    #expect(try pipeline(model, .all, precision: precision).generate(request).image != expected)
  }

  @Test func aFileThatLacksAWeightIsRefusedBeforeAnyIsRead() throws {
    try PipelineGolden.withCopy("stable_diffusion") { model in
      let file = model.appendingPathComponent("vae/diffusion_pytorch_model.fp16.safetensors")
      let weights = try SafetensorsFile(file)
      let key = try #require(weights.keys.last)
      let others = try weights.keys.dropLast().map { (key: $0, tensor: try weights.tensor($0)) }
      try Safetensors.write(others, to: file)
      #expect(throws: CheckpointError.missingKey(file: file.path, key: key)) { try pipeline(model, .needed) }
    }
  }

  @Test func weightsInHalfPrecisionStaySoInMemory() throws {
    try Project.inTemporaryFolder { folder in
      let source = Project.golden("stable_diffusion/model")
      let files = try StableDiffusionFiles(source)
      let target = folder.appendingPathComponent("half")
      try StableDiffusionModel(files, vocabulary: PipelineGolden.vocabulary).save(
        to: target, as: .bfloat16, from: files)
      let pipeline = try pipeline(target, .all)
      let model = try #require(pipeline.model as? StableDiffusionModel)
      for network in [model.unet, model.prompts.encoder, model.autoencoder] as [any Module] {
        #expect(network.parameters.allSatisfy { ($0.tensor.compact != nil) == ($0.tensor.rank >= 2) })
      }
      let wide = folder.appendingPathComponent("wide")
      let half = try StableDiffusionFiles(target)
      try StableDiffusionModel(half, vocabulary: PipelineGolden.vocabulary).save(to: wide, from: half)
      #expect(try pipeline.generate(request).image == self.pipeline(wide, .all).generate(request).image)
    }
  }
}
