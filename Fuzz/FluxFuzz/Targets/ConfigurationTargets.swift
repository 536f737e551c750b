import Foundation
import NN

@testable import Diffusion
@testable import Evaluation
@testable import Flux
@testable import Models
@testable import Scenes
@testable import Support
@testable import Torch

extension FuzzTarget {
  /// The configuration of every network and of what belongs to a model: what is valid is built, and run where it is
  /// small.
  static var configurations: [FuzzTarget] {
    [
      configuration(
        "unet-config", "models/mini/unet/config.json", "Tests/Golden/unet/one-level/config.json",
        "Tests/Golden/unet_stable/sdxl/config.json", "Tests/Golden/unet_stable/lcm/config.json"
      ) {
        try network($0, UNet.self, run)
      },
      configuration("autoencoder-config", "models/mini/autoencoder/config.json", text: palette, small) {
        try network($0, Autoencoder.self, run)
      },
      configuration("adapter-config", "models/mini/text_adapter/config.json", text: WeightSeeds.adapterFile) {
        try network($0, TextAdapter.self) { adapter, c in
          let tokens = min(c.maxTokens, 5)
          let states = Tensor.zeros([1, tokens, 2 * c.inputWidth])
          demand(adapter(states, mask: Tensor.ones([1, tokens])).context.shape == [1, tokens, c.width], "shape")
        }
      },
      configuration("text-encoder-config", ".deps/minilm/config.json", text: bert) {
        try network($0, TextEncoder.self) { encoder, c in
          let states = encoder(Tensor([Int64](repeating: 3, count: 3), shape: [1, 3]), mask: Tensor.ones([1, 3]))
          demand(states.count == c.numHiddenLayers + 1 && states[0].shape == [1, 3, c.hiddenSize], "shape")
        }
      },
      configuration("clip-config", "Tests/Golden/clip/gelu-projected/config.json", text: clip) {
        try network($0, CLIPTextModel.self) { model, c in
          let output = model(Tensor.zeros([1, 2], dtype: .int64))
          demand(output.hiddenStates.count == c.numHiddenLayers + 1, "states")
          demand(output.pooled.shape == [1, c.isProjected ? c.projectionDim ?? 0 : c.hiddenSize], "shape")
        }
      },
      configuration("kl-config", "Tests/Golden/autoencoder_kl/no-attention/config.json", text: autoencoderKL) {
        try network($0, AutoencoderKL.self) { model, c in
          guard c.blockOutChannels.count < 8 else { return }
          let side = c.downsample
          let image = model.decode(model.scaled(model.encode(Tensor.zeros([1, c.inChannels, side, side])).mean))
          demand(image.shape == [1, c.outChannels, side, side], "shape")
        }
      },
      configuration("tiny-config", "Tests/Golden/autoencoder_tiny/like-taesd/config.json", text: autoencoderTiny) {
        try network($0, AutoencoderTiny.self) { model, c in
          guard c.encoderBlockOutChannels.count < 8 else { return }
          let image = model.decode(model.encode(Tensor.zeros([1, c.inChannels, c.downsample, c.downsample])))
          demand(image.shape == [1, c.outChannels, c.downsample, c.downsample], "shape")
        }
      },
      configuration("judge-config", "models/judge/config.json", text: judge) {
        try network($0, GlyphDetector.self) { detector, c in
          let detections = detector(Tensor.zeros([1, 3, GlyphDetector.side, GlyphDetector.side]))
          demand(detector.classLogits(detections.cells).names.shape[1] == c.names, "shape")
        }
      },
      configuration("scheduler-config", "models/mini/scheduler/scheduler_config.json", text: linear, euler) { bytes in
        let file = Scratch.write(bytes, "scheduler_config.json")
        let configuration: Schedule.Configuration = try JSONFile.read(file)
        schedule(Schedule(configuration))
      },
      configuration("fast-config", "models/mini/fast/config.json") { bytes in
        let _: FastStudent.Configuration = try JSONFile.read(Scratch.write(bytes, "fast.json"))
      },
      configuration("model-index", "models/mini/model_index.json") { bytes in
        let folder = Scratch.folder("model")
        let scheduler = Scratch.folder("model/scheduler").appendingPathComponent("scheduler_config.json")
        if !FileManager.default.fileExists(atPath: scheduler.path) {
          Scratch.write(Array(linear.utf8), "scheduler_config.json", in: Scratch.folder("model/scheduler"))
        }
        Scratch.write(bytes, "model_index.json", in: folder)
        _ = try ModelBundle(directory: folder)  // what is read of it comes before the networks, of which there are none
      },
      configuration("sampling-weights", text: #"{"weights":{"apple":0.15,"circle":0.4},"world":"small"}"#) { bytes in
        let weights = try SamplingWeights(file: Scratch.write(bytes, "weights.json"), world: .small)
        var random = SplitMix64(seed: UInt64(bytes.count), index: 0)
        let choice = ObjectChoice(world: .small, samplingWeights: weights)
        _ = (choice.emoji(&random), choice.shape(&random), weights.digest)
      },
    ]
  }

  private static func configuration(
    _ name: String, _ paths: String..., text texts: String..., read: @escaping ([UInt8]) throws -> Void
  ) -> FuzzTarget {
    FuzzTarget(
      name, dictionary: "config", seeds: { [paths, texts] in try paths.map(Seeds.file) + texts.map { Array($0.utf8) } },
      read: read)
  }

  /// Reads a network's `config.json`, and builds and runs the network where it is small.
  private static func network<Network: ConfiguredModel>(
    _ bytes: [UInt8], _ type: Network.Type, _ run: (Network, Network.Configuration) -> Void
  ) throws {
    let folder = Scratch.folder(Network.className)
    Scratch.write(bytes, "config.json", in: folder)
    let configuration = try Network.readConfiguration(folder)
    demand(configuration.weightCount > 0, "\(configuration.weightCount) weights")
    guard configuration.weightCount < 50_000 else { return }
    let network = Network(configuration, .empty)
    guard configuration.weightCount < 5000 else { return }
    withInference { run(network, configuration) }
  }

  private static func run(_ unet: UNet, _ c: UNet.Configuration) {
    let side = 1 << min(c.blockOutChannels.count - 1, 5)
    let width = c.pooledTextWidth ?? (c.classEmbedType == nil ? nil : c.projectionClassEmbeddingsInputDim)
    let output = unet(
      Tensor.zeros([1, c.inChannels, side, side]), timesteps: Tensor.zeros([1]),
      context: Tensor.zeros([1, 2, c.crossAttentionDim]), contextMask: Tensor.ones([1, 2]),
      classLabels: width.map { Tensor.zeros([1, $0]) }, sizes: c.pooledTextWidth == nil ? nil : Tensor.ones([1, 6]),
      guidance: c.timeCondProjDim == nil ? nil : Tensor.ones([1]))
    demand(output.shape == [1, c.outChannels, side, side], "\(output.shape)")
  }

  private static func run(_ autoencoder: Autoencoder, _ c: Autoencoder.Configuration) {
    let side = c.downsample
    guard side <= 128 else { return }
    let latent = autoencoder.encode(Tensor.zeros([1, 3, side, side]))
    demand(latent.shape == [1, c.latentChannels, 1, 1], "\(latent.shape)")
    demand(autoencoder.decode(latent).shape == [1, 3, side, side], "another size than was encoded")
  }

  /// Every sampler's times for a few numbers of steps.
  private static func schedule(_ schedule: Schedule) {
    guard schedule.count <= 2000 else { return }
    for kind in SamplerKind.allCases {
      for spacing in Spacing.allCases.map(Optional.some) + [nil] {
        for steps in [1, 2, 7, schedule.count] {
          guard let grid = try? TimeGrid(schedule, kind: kind, steps: steps, spacing: spacing) else { continue }
          demand(
            grid.count >= 1 && grid.initialScale.isFinite, "\(kind), \(spacing as Any), \(steps): \(grid.initialScale)")
        }
      }
    }
  }

  private static let linear =
    #"{"beta_schedule":"linear","beta_start":0.001,"beta_end":0.2,"num_train_timesteps":20,"prediction_type":"epsilon"}"#
  private static let euler =
    #"{"_class_name":"EulerDiscreteScheduler","_diffusers_version":"0.42.1","beta_schedule":"scaled_linear","#
    + #""beta_start":0.00085,"beta_end":0.012,"num_train_timesteps":30,"prediction_type":"v_prediction","#
    + #""rescale_betas_zero_snr":true,"steps_offset":1,"timestep_spacing":"leading","use_karras_sigmas":false}"#
  private static let small =
    #"{"latent_channels":2,"encoder_patch":2,"encoder_widths":[2],"encoder_blocks":[1],"decoder_widths":[2],"#
    + #""decoder_blocks":[1],"decoder_output_width":2,"super_resolution_widths":[2],"norm_groups":1}"#
  private static let palette =
    #"{"latent_channels":2,"encoder_patch":2,"encoder_widths":[4,8],"encoder_blocks":[1,1],"decoder_widths":[8,4],"#
    + #""decoder_blocks":[1,1],"decoder_output_width":4,"super_resolution_widths":[],"norm_groups":1,"#
    + #""palette":{"colors":2,"enlargement":4,"sharpness":6,"encoder_shrink":2}}"#
  private static let bert =
    #"{"vocab_size":8,"hidden_size":4,"num_hidden_layers":1,"num_attention_heads":2,"intermediate_size":4,"#
    + #""max_position_embeddings":8,"type_vocab_size":1,"layer_norm_eps":1e-12,"hidden_act":"gelu"}"#
  private static let clip =
    #"{"architectures":["CLIPTextModel"],"vocab_size":8,"hidden_size":4,"num_hidden_layers":1,"hidden_act":"gelu","#
    + #""num_attention_heads":2,"intermediate_size":4,"max_position_embeddings":8,"layer_norm_eps":1e-5}"#
  private static let autoencoderKL =
    #"{"in_channels":3,"out_channels":3,"block_out_channels":[2,2],"layers_per_block":1,"latent_channels":2,"#
    + #""norm_num_groups":1,"down_block_types":["DownEncoderBlock2D","DownEncoderBlock2D"],"#
    + #""up_block_types":["UpDecoderBlock2D","UpDecoderBlock2D"],"latents_mean":[0,1],"latents_std":[1,2]}"#
  private static let autoencoderTiny =
    #"{"in_channels":3,"out_channels":3,"latent_channels":2,"encoder_block_out_channels":[2,2],"act_fn":"relu","#
    + #""decoder_block_out_channels":[2,2],"num_encoder_blocks":[1,1],"num_decoder_blocks":[1,1]}"#
  private static let judge =
    #"{"world":"small","names":3,"colours":2,"backgrounds":2,"widths":[2,2,2],"blocks":[1,1,1],"norm_groups":1}"#
}
