import Foundation
import NN
import Support
import TestSupport
import Testing
import Torch

@testable import Models

/// U-Nets as Stable Diffusion has them; Tools/golden/unet_stable.py says how the goldens were made.
@Suite struct StableUNetTests {
  static let cases = ["sd1", "sd2", "sdxl", "lcm", "no-middle", "inpainting"]

  private func inputs(_ name: String) throws -> SafetensorsFile {
    try SafetensorsFile(Project.golden("unet_stable/\(name)/case.safetensors"))
  }

  private func run(
    _ unet: UNet, _ inputs: SafetensorsFile, change: (TextConditioning) -> TextConditioning = { $0 }
  ) throws -> Tensor {
    func optional(_ key: String) throws -> Tensor? { inputs.info(key) == nil ? nil : try inputs.tensor(key) }
    let context = try inputs.tensor("context")
    let text = TextConditioning(
      context: context, mask: Tensor.ones(Array(context.shape[..<2])),
      pooled: try optional("pooled") ?? Tensor.zeros([2, 1]), sizes: try optional("time_ids"),
      guidance: try optional("guidance"))
    return try unet(inputs.tensor("sample"), at: inputs.tensor("timesteps"), change(text))
  }

  @Test(arguments: cases) func itComputesWhatDiffusersComputes(_ name: String) throws {
    let inputs = try inputs(name)
    let unet = try UNet.load(from: Project.golden("unet_stable/\(name)"))
    expectClose(try run(unet, inputs), try inputs.tensor("output"), atol: 1e-4, name)
  }

  @Test func sizesAndGuidanceJoinTheTime() throws {
    let unet = try UNet.load(from: Project.golden("unet_stable/sdxl"))
    let output = try inputs("sdxl").tensor("output")
    let other = try run(unet, inputs("sdxl")) { text in
      var text = text
      text.sizes = text.sizes.map { $0 + 1 }
      return text
    }
    #expect((other - output).abs().max().item() > 1e-3)
    let distilled = try UNet.load(from: Project.golden("unet_stable/lcm"))
    let unguided = try run(distilled, inputs("lcm")) { text in
      var text = text
      text.guidance = nil
      return text
    }
    #expect((unguided - (try inputs("lcm").tensor("output"))).abs().max().item() > 1e-3)
  }

  @Test func sizesAndGuidanceFollowTheirTexts() throws {
    let inputs = try inputs("sdxl")
    let unet = try UNet.load(from: Project.golden("unet_stable/sdxl"))
    let output = try run(unet, inputs) { TextConditioning.cat([$0[0..<1], $0[1..<2]]).map { $0.contiguous() } }
    expectClose(output, try inputs.tensor("output"), atol: 1e-4)
    let numbers = Tensor([1027, 1, 2, 3, 4, 5] as [Float], shape: [1, 6])
    let text = TextConditioning(
      context: Tensor.zeros([1, 2, 3]), mask: Tensor.ones([1, 2]), pooled: Tensor.zeros([1, 3]), sizes: numbers,
      guidance: Tensor([6.5] as [Float]))
    let half = text.map { $0.to(.bfloat16) }
    #expect(half.context.dtype == .bfloat16 && half.sizes?.dtype == .float32)
    #expect(half.sizes?.floats() == numbers.floats())
    #expect(text.expanded(to: 3).sizes?.shape == [3, 6] && text.expanded(to: 3).guidance?.shape == [3])
  }

  /// All fields that diffusers writes for the published models.
  @Test(arguments: ["sd15", "sd21", "sdxl"]) func thePublishedConfigurationsAreRead(_ name: String) throws {
    try Project.inTemporaryFolder { folder in
      let golden = try JSONSerialization.jsonObject(with: Data(contentsOf: Project.golden("unet_stable/\(name).json")))
      let table = try #require(golden as? [String: Any])
      let config = try JSONSerialization.data(withJSONObject: try #require(table["config"]))
      try config.write(to: folder.appendingPathComponent("config.json"))
      let configuration = try UNet.readConfiguration(folder)
      let stored = try #require(table["weights"] as? Int)
      // Attention multiplies two numbers of each channel more.
      #expect(abs(configuration.weightCount - stored) < stored / 1000)
      #expect(configuration.pooledTextWidth == (name == "sdxl" ? 1280 : nil))
      // The coarsest maps have 8×8 cells, 12×12 in the model of 768 pixels, and 32×32 in XL.
      let network = UNet(configuration, .unallocated)
      let savings = network.downBlocks.map { $0.resnets.allSatisfy { $0.conv1.savesMemory && $0.conv2.savesMemory } }
      #expect(savings == (name == "sdxl" ? [false, false, false] : [false, false, false, true]))
      #expect(network.midBlock?.resnets.first?.conv1.savesMemory == (name != "sdxl"))
      #expect(network.upBlocks.map { $0.resnets[0].conv2.savesMemory } == savings.reversed())
      // At 16×16 those that read a skip connection of the same width, too.
      #expect(network.upBlocks[1].resnets.map(\.conv1.savesMemory) == [name == "sd15", name == "sd15", false])
      // Written and read again, it is the same.
      try JSONFile.write(configuration, to: folder.appendingPathComponent("config.json"))
      #expect(try UNet.readConfiguration(folder) == configuration)
    }
  }

  /// As the first releases of Stable Diffusion have it, which leave out what is usual.
  @Test func aFileThatNamesLittleHasDiffusersDefaults() throws {
    let config = """
      {"_class_name": "UNet2DConditionModel", "_diffusers_version": "0.6.0", "act_fn": "silu", "attention_head_dim": 8,
       "block_out_channels": [320, 640, 1280, 1280], "center_input_sample": false, "cross_attention_dim": 768,
       "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
       "downsample_padding": 1, "flip_sin_to_cos": true, "freq_shift": 0, "in_channels": 4, "layers_per_block": 2,
       "mid_block_scale_factor": 1, "norm_eps": 1e-05, "norm_num_groups": 32, "out_channels": 4, "sample_size": 64,
       "only_cross_attention": [false, false, false, false],
       "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"]}
      """
    try Project.inTemporaryFolder { folder in
      let file = folder.appendingPathComponent("config.json")
      try Data(config.utf8).write(to: file)
      let read = try UNet.readConfiguration(folder)
      #expect(read.midBlockType == .crossAttention && !read.useLinearProjection)
      #expect(read.transformerLayersPerBlock == 1 && abs(read.weightCount - 859_077_120) < 1_000_000)
      try Data(config.replacingOccurrences(of: "{\"_class", with: "{\"mid_block_type\": null, \"_class").utf8).write(
        to: file)
      #expect(try UNet.readConfiguration(folder).midBlockType == nil)
      // Without a version it is a file of Flux, which leaves out nothing but what is nil.
      try Data(config.replacingOccurrences(of: "\"_diffusers_version\": \"0.6.0\",", with: "").utf8).write(to: file)
      let error = #expect(throws: CheckpointError.self) { _ = try UNet.readConfiguration(folder) }
      #expect(error?.description == "\(file.path): transformer_layers_per_block is missing")
    }
  }

  private func sentence(_ change: (inout UNet.Configuration) -> Void) throws -> String? {
    var changed = try UNet.readConfiguration(Project.golden("unet_stable/sdxl"))
    change(&changed)
    do {
      try changed.validate()
      return nil
    } catch { return error.description }
  }

  @Test func whatTheEmbeddingsNeedIsNamed() throws {
    let reason = "expected a number, since addition_embed_type is text_time"
    #expect(try sentence { $0.additionTimeEmbedDim = nil } == "addition_time_embed_dim is null, \(reason)")
    #expect(
      try sentence { $0.projectionClassEmbeddingsInputDim = nil }
        == "projection_class_embeddings_input_dim is null, \(reason)")
    #expect(
      try sentence { $0.projectionClassEmbeddingsInputDim = 48 }
        == "projection_class_embeddings_input_dim is 48, expected "
        + "more than 48, since 6 sizes have addition_time_embed_dim each")
    #expect(
      try sentence { $0.classEmbedType = .projection }
        == "class_embed_type is \"projection\", expected null, since addition_embed_type is text_time")
    #expect(
      try sentence { $0.timeCondProjDim = 5 } == "time_cond_proj_dim is 5, expected a multiple of sines and cosines, 2")
    #expect(try sentence { $0.timeCondProjDim = 2 } == "time_cond_proj_dim is 2, expected 4 or more")
    #expect(
      try sentence { $0.transformerLayersPerBlock = [0, 0, 2] }
        == "transformer_layers_per_block[1] is 0, expected 1 to 1000")
    #expect(try sentence { $0.transformerLayersPerBlock = [0, 1, 2] } == nil)
  }

  @Test func aNetworkThatNeedsSizesTrapsWithoutThem() async {
    await #expect(processExitsWith: .failure) {
      let unet = try UNet.load(from: Project.golden("unet_stable/sdxl"))
      _ = unet(
        Tensor.zeros([1, 4, 8, 8]), timesteps: Tensor.ones([1]), context: Tensor.zeros([1, 2, 12]),
        classLabels: Tensor.zeros([1, 10]))
    }
  }
}
