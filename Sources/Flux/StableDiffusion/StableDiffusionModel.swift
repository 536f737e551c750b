import Diffusion
import Foundation
import Models
import NN
import Support
import Tokenizers
import Torch

/// A model of the family of Stable Diffusion 1 and 2 (Rombach et al., 2022): CLIP, a U-Net, and a variational autoencoder.
public final class StableDiffusionModel: ImageModel {
  /// What a caller may choose about a model.
  public struct Options: Sendable, Equatable {
    /// Layers of the text encoder that are left out at its end; A1111's "Clip skip" less 1.
    public var clipSkip: Int
    /// The meaning of the U-Net's output; nil is what the files say.
    public var prediction: Prediction?
    /// Another autoencoder, a file or directory in diffusers' layout; nil is the model's own.
    public var autoencoder: URL?

    /// The model as it is, unless given.
    public init(clipSkip: Int = 0, prediction: Prediction? = nil, autoencoder: URL? = nil) {
      (self.clipSkip, self.prediction, self.autoencoder) = (clipSkip, prediction, autoencoder)
    }

    /// Throws if one is given, for a model of another family.
    public func requireNone(for model: URL) throws(CheckpointError) {
      guard self != Options() else { return }
      throw .configuration(
        file: model.path,
        reason: "clip skip, prediction and autoencoder can be chosen for Stable Diffusion's models only")
    }
  }

  public let unet: UNet
  let autoencoder: any StableAutoencoder
  /// The text networks.
  public let prompts: CLIPPrompts
  public let schedule: Schedule
  public let sampling: SamplingDefaults?
  public let geometry: ImageGeometry

  /// Reads all parts; `vocabulary` is the folder of CLIP's vocabulary, for files that have none.
  ///
  /// Throws where a part is missing or damaged, or where the parts do not fit together.
  public init(_ files: StableDiffusionFiles, vocabulary: URL, _ options: Options = Options()) throws {
    let configuration = try files.schedule(prediction: options.prediction)
    let tokenizer = try files.tokenizer(vocabulary: vocabulary)
    let encoder = try files.textEncoder()
    do throws(ConfigurationError) {
      prompts = try CLIPPrompts(tokenizer, encoder, clipSkip: options.clipSkip)
    } catch { throw CheckpointError.configuration(file: files.path, reason: error.description) }
    unet = try files.unet()
    autoencoder = try files.autoencoder(other: options.autoencoder)
    schedule = Schedule(configuration)
    sampling = Self.sampling(configuration, unet.configuration)
    geometry = ImageGeometry(
      imageSize: (unet.configuration.sampleSize ?? 64) * autoencoder.cell, cell: autoencoder.cell,
      latentChannels: autoencoder.latentChannels)
    let problem = Self.mismatch(unet.configuration, autoencoder, encoder.configuration)
    if let problem { throw CheckpointError.configuration(file: files.path, reason: problem) }
  }

  /// The models of this family do not clamp, unless their files say so.
  public var cleanRange: ClosedRange<Double>? { schedule.configuration.cleanRange(own: nil) }

  public var embedsGuidance: Bool { unet.configuration.timeCondProjDim != nil }

  public func encode(_ pixels: Tensor, noise: () -> Tensor) -> Tensor {
    autoencoder.latents(of: pixels, noise: noise)
  }

  public func decode(_ latents: Tensor) -> Tensor { autoencoder.pixels(of: latents) }

  public func flops(height: Int, width: Int, tokens: Int) -> (unet: Int, decoder: Int) {
    (
      unet.configuration.flops(height: height, width: width, tokens: tokens),
      autoencoder.decoderFLOPs(height: height, width: width)
    )
  }

  public func move(to device: Device) {
    guard device != .cpu else { return }
    unet.move(to: device)
    autoencoder.move(to: device)
    prompts.move(to: device)
  }

  /// Steps and guidance that the published models are drawn with.
  ///
  /// Distilled models show in their files: consistency models embed the guidance or name their scheduler, and those for
  /// one to four steps start at the noisiest timestep.
  static func sampling(_ schedule: Schedule.Configuration, _ unet: UNet.Configuration) -> SamplingDefaults {
    if schedule.scheduler == .lcm || unet.timeCondProjDim != nil {
      return SamplingDefaults(
        steps: 4, guidance: Guidance(scale: unet.timeCondProjDim == nil ? 1 : 8.5), sampler: .lcm)
    }
    if schedule.scheduler == .euler || schedule.scheduler == .eulerAncestral, schedule.timestepSpacing == .trailing {
      return SamplingDefaults(steps: 4, guidance: Guidance(scale: 1), sampler: schedule.sampler)
    }
    return SamplingDefaults(steps: 25, guidance: Guidance(scale: 7.5))
  }

  /// What does not fit between the parts, or nil.
  private static func mismatch(
    _ unet: UNet.Configuration, _ autoencoder: any StableAutoencoder, _ text: CLIPTextModel.Configuration
  ) -> String? {
    if unet.crossAttentionDim != text.hiddenSize {
      return "the U-Net reads a context \(unet.crossAttentionDim) wide, the text encoder makes \(text.hiddenSize)"
    }
    if unet.outChannels != autoencoder.latentChannels {
      return "the U-Net predicts \(unet.outChannels) channels, the autoencoder has \(autoencoder.latentChannels)"
    }
    if unet.inChannels != unet.outChannels {
      return
        "the U-Net reads \(unet.inChannels) channels, as models for inpainting do, which Flux does not draw with yet"
    }
    if autoencoder.imageChannels != [3, 3] {
      return "the autoencoder reads and makes \(autoencoder.imageChannels) channels, expected 3 of each"
    }
    return nil
  }
}

extension ModelSource {
  /// Records what a caller chose about a model.
  mutating func note(_ options: StableDiffusionModel.Options) throws(CheckpointError) {
    clipSkip = options.clipSkip == 0 ? nil : options.clipSkip
    prediction = options.prediction
    autoencoder = try options.autoencoder.map { url throws(CheckpointError) in try AutoencoderSource(url) }
  }
}

extension SamplingDefaults {
  /// How the model at a path is sampled by default, read from its configurations or the header of its file.
  public init(of model: URL, prediction: Prediction? = nil) throws(CheckpointError) {
    guard StableDiffusionFiles.isStored(at: model) else {
      self = try ModelBundle.samplingDefaults(model)
      return
    }
    let files = try StableDiffusionFiles(model)
    self = StableDiffusionModel.sampling(try files.schedule(prediction: prediction), try files.unetConfiguration())
  }
}
