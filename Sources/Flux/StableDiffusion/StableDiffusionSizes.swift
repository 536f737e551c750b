import Diffusion
import Foundation
import Models
import NN
import Support
import Torch

extension StableDiffusionModel {
  /// The sizes of a model's networks, read from its configurations or from the header of its file.
  public struct Configuration: Sendable {
    /// The sizes of the U-Net.
    public let unet: UNet.Configuration
    /// The sizes of the text encoder, or of SDXL's first.
    public let textEncoder: CLIPTextModel.Configuration
    /// The noise schedule and how the model is sampled.
    public let schedule: Schedule.Configuration
    let autoencoder: StableAutoencoderSizes

    /// Reads the sizes; throws where a configuration is missing or not valid.
    public init(_ files: StableDiffusionFiles, _ options: Options = Options()) throws(CheckpointError) {
      unet = try files.unetConfiguration()
      textEncoder = try files.textEncoderConfiguration()
      schedule = try files.schedule(prediction: options.prediction)
      autoencoder = try files.autoencoderSizes(other: options.autoencoder)
      if let decoder = options.previewDecoder { try checkPreviewDecoder(decoder) }
    }

    /// How the model is sampled by default.
    public var sampling: SamplingDefaults { StableDiffusionModel.sampling(schedule, unet) }
  }
}

extension StableDiffusionModel.Configuration: ModelSizes {
  public var geometry: ImageGeometry {
    ImageGeometry(
      imageSize: (unet.sampleSize ?? (unet.isXL ? 128 : 64)) * autoencoder.cell, cell: autoencoder.cell,
      latentChannels: autoencoder.latentChannels)
  }

  public var maxTokens: Int { textEncoder.maxPositionEmbeddings }
  public var embedsGuidance: Bool { unet.timeCondProjDim != nil }
  public var readsSurroundings: Bool { unet.inChannels != unet.outChannels }
  public var outputChannels: Int { autoencoder.outputChannels }

  public func flops(height: Int, width: Int, tokens: Int) -> (unet: Int, decoder: Int) {
    (
      unet.flops(height: height, width: width, tokens: tokens),
      autoencoder.decoderFLOPs(height: height, width: width)
    )
  }
}

extension StableDiffusionModel.Configuration {
  /// Floating-point operations of the encoder for latents of this size.
  public func encoderFLOPs(height: Int, width: Int) -> Int {
    switch autoencoder {
    case .variational(let sizes): sizes.encoderFLOPs(height: height, width: width)
    case .tiny(let sizes): sizes.decoderFLOPs(height: height, width: width)  // mirrors the encoder
    }
  }
}

/// The sizes of the autoencoders that models of Stable Diffusion's family have.
enum StableAutoencoderSizes: Sendable {
  /// The variational autoencoder.
  case variational(AutoencoderKL.Configuration)
  /// The small one that takes its place for previews.
  case tiny(AutoencoderTiny.Configuration)

  /// Pixels per latent cell, along one side.
  var cell: Int {
    switch self {
    case .variational(let sizes): sizes.downsample
    case .tiny(let sizes): sizes.downsample
    }
  }

  var latentChannels: Int {
    switch self {
    case .variational(let sizes): sizes.latentChannels
    case .tiny(let sizes): sizes.latentChannels
    }
  }

  /// Factor of the latents that the U-Net sees.
  var scalingFactor: Double {
    switch self {
    case .variational(let sizes): sizes.scalingFactor
    case .tiny(let sizes): sizes.scalingFactor ?? 1
    }
  }

  /// The first block at the image's size has the channels of the level before.
  var outputChannels: Int {
    switch self {
    case .variational(let sizes): sizes.blockOutChannels.prefix(2).max() ?? 0
    case .tiny(let sizes): sizes.decoderBlockOutChannels[0]
    }
  }

  func decoderFLOPs(height: Int, width: Int) -> Int {
    switch self {
    case .variational(let sizes): sizes.decoderFLOPs(height: height, width: width)
    case .tiny(let sizes): sizes.decoderFLOPs(height: height, width: width)
    }
  }
}

extension StableDiffusionFiles {
  func textEncoderConfiguration() throws(CheckpointError) -> CLIPTextModel.Configuration {
    switch self {
    case .directory(let root): try CLIPTextModel.readConfiguration(root.appendingPathComponent("text_encoder"))
    case .file(_, let checkpoint):
      try CLIPTextModel.readConfiguration(Self.part(checkpoint.textEncoder, "text encoder", of: checkpoint))
    }
  }

  /// The sizes of the autoencoder, or of another one.
  func autoencoderSizes(other: URL?) throws(CheckpointError) -> StableAutoencoderSizes {
    switch try autoencoderPlace(other: other) {
    case .part(let part): .variational(try AutoencoderKL.readConfiguration(part))
    case .folder(let folder, isTiny: true): .tiny(try AutoencoderTiny.readConfiguration(folder))
    case .folder(let folder, isTiny: false): .variational(try AutoencoderKL.readConfiguration(folder))
    }
  }

  /// Where an autoencoder is.
  enum AutoencoderPlace {
    /// Within a single file, or in a file of its own.
    case part(CheckpointPart)
    /// In a directory of diffusers, whose class tells the two kinds apart.
    case folder(URL, isTiny: Bool)
  }

  /// The model's own autoencoder, or another one.
  func autoencoderPlace(other: URL?) throws(CheckpointError) -> AutoencoderPlace {
    if let other, other.pathExtension == "safetensors" {
      return .part(try SingleFileCheckpoint.autoencoder(other, for: family()))
    }
    if case .file(_, let checkpoint) = self, other == nil {
      return .part(try Self.part(checkpoint.autoencoder, "autoencoder", of: checkpoint))
    }
    let folder = other ?? URL(fileURLWithPath: path).appendingPathComponent("vae")
    let name = JSONFile.className(folder.appendingPathComponent("config.json"))
    return .folder(folder, isTiny: name == AutoencoderTiny.className)
  }

  /// The family, which decides the factor of latents that files of an autoencoder do not have.
  func family() throws(CheckpointError) -> CheckpointFamily {
    if case .file(_, let checkpoint) = self { return checkpoint.family }
    return try unetConfiguration().isXL ? .xl : .stable1
  }
}
