import Diffusion
import Models

/// The model sizes.
public enum Preset: String, Sendable, Codable, CaseIterable {
  /// For tests: seconds of training, images of 64×64.
  case tiny
  /// Trained on two CPU cores: 512×512 from an 8×8 latent.
  case mini
  /// For long training on CPUs: 512×512 from a 16×16 latent with a palette decoder.
  case midi
  /// For a GPU: 512×512 from a 16×16 latent.
  case base
  /// As `base` with a 32×32 latent: more detail at a higher cost.
  case fine
  /// The networks of `base`, predicting ε.
  case specification

  /// The preset with the networks and schedule of a model; nil if there is none.
  ///
  /// The model may have been trained at another image size, have levels for larger images, and another sharpness.
  public init?(of model: ModelBundle.Configuration) {
    let match = Self.allCases.first { preset in
      let own = preset.configuration
      return own.autoencoder.hasWeights(of: model.autoencoder) && own.adapter == model.adapter
        && own.unet == model.unet && own.schedule == model.schedule
    }
    guard let match else { return nil }
    self = match
  }

  /// The sizes of the networks, the noise schedule and the image size.
  public var configuration: ModelBundle.Configuration {
    switch self {
    case .tiny:
      ModelBundle.Configuration(
        autoencoder: Autoencoder.Configuration(
          latentChannels: 64, encoderPatch: 4, encoderWidths: [16, 32], encoderBlocks: [1, 1],
          decoderWidths: [32, 24, 16], decoderBlocks: [1, 1, 1], decoderOutputWidth: 8,
          superResolutionWidths: [8],
          normGroups: 8),
        adapter: TextAdapter.Configuration(inputWidth: 384, width: 32, layers: 1, heads: 2, maxTokens: 24),
        unet: UNet.Configuration(
          sampleSize: 4, inChannels: 64, outChannels: 64, downBlockTypes: [.crossAttention, .crossAttention],
          midBlockType: .crossAttention, upBlockTypes: [.crossAttention, .crossAttention],
          blockOutChannels: [32, 32],
          layersPerBlock: 1, transformerLayersPerBlock: 1, attentionHeadDim: [1, 1],
          useLinearProjection: true,
          crossAttentionDim: 32, classEmbedType: .projection, projectionClassEmbeddingsInputDim: 32,
          normNumGroups: 8,
          normEps: 1e-5, actFn: .silu, flipSinToCos: true, freqShift: 0, downsamplePadding: 1),
        schedule: Schedule.Configuration(betaSchedule: .cosine, predictionType: .v), imageSize: 64)
    case .base, .specification:
      ModelBundle.Configuration(
        autoencoder: Autoencoder.Configuration(
          latentChannels: 64, encoderPatch: 4, encoderWidths: [96, 192, 320, 384], encoderBlocks: [1, 2, 2, 2],
          decoderWidths: [512, 384, 192, 96, 48], decoderBlocks: [2, 2, 2, 2, 2], decoderOutputWidth: 24,
          superResolutionWidths: [], normGroups: 8),
        adapter: TextAdapter.Configuration(inputWidth: 384, width: 384, layers: 2, heads: 6, maxTokens: 48),
        unet: UNet.Configuration(
          sampleSize: 16, inChannels: 64, outChannels: 64, downBlockTypes: [.crossAttention, .crossAttention],
          midBlockType: .crossAttention, upBlockTypes: [.crossAttention, .crossAttention],
          blockOutChannels: [256, 320],
          layersPerBlock: 2, transformerLayersPerBlock: 1, attentionHeadDim: [4, 5],
          useLinearProjection: true,
          crossAttentionDim: 384, classEmbedType: .projection, projectionClassEmbeddingsInputDim: 384,
          normNumGroups: 32, normEps: 1e-5, actFn: .silu, flipSinToCos: true, freqShift: 0,
          downsamplePadding: 1),
        schedule: Schedule.Configuration(
          betaSchedule: .cosine, predictionType: self == .base ? .v : .epsilon), imageSize: 512)
    case .fine:
      ModelBundle.Configuration(
        autoencoder: Autoencoder.Configuration(
          latentChannels: 64, encoderPatch: 4, encoderWidths: [96, 192, 320], encoderBlocks: [1, 2, 2],
          decoderWidths: [384, 192, 96, 48], decoderBlocks: [2, 2, 2, 2], decoderOutputWidth: 24,
          superResolutionWidths: [], normGroups: 8),
        adapter: TextAdapter.Configuration(inputWidth: 384, width: 384, layers: 2, heads: 6, maxTokens: 48),
        unet: UNet.Configuration(
          sampleSize: 32, inChannels: 64, outChannels: 64,
          downBlockTypes: [.plain, .crossAttention, .crossAttention], midBlockType: .crossAttention,
          upBlockTypes: [.crossAttention, .crossAttention, .plain], blockOutChannels: [128, 256, 384],
          layersPerBlock: 2, transformerLayersPerBlock: 1, attentionHeadDim: [2, 4, 6],
          useLinearProjection: true,
          crossAttentionDim: 384, classEmbedType: .projection, projectionClassEmbeddingsInputDim: 384,
          normNumGroups: 32, normEps: 1e-5, actFn: .silu, flipSinToCos: true, freqShift: 0,
          downsamplePadding: 1),
        schedule: Schedule.Configuration(betaSchedule: .cosine, predictionType: .v), imageSize: 512)
    case .midi:
      ModelBundle.Configuration(
        autoencoder: .palette16,
        adapter: TextAdapter.Configuration(inputWidth: 384, width: 256, layers: 2, heads: 4, maxTokens: 48),
        unet: UNet.Configuration(
          sampleSize: 16, inChannels: 64, outChannels: 64,
          downBlockTypes: [.plain, .crossAttention, .crossAttention], midBlockType: .crossAttention,
          upBlockTypes: [.crossAttention, .crossAttention, .plain], blockOutChannels: [96, 192, 320],
          layersPerBlock: 1, transformerLayersPerBlock: 1, attentionHeadDim: [2, 3, 5],
          useLinearProjection: true,
          crossAttentionDim: 256, classEmbedType: .projection, projectionClassEmbeddingsInputDim: 256,
          normNumGroups: 32, normEps: 1e-5, actFn: .silu, flipSinToCos: true, freqShift: 0,
          downsamplePadding: 1),
        schedule: Schedule.Configuration(betaSchedule: .cosine, predictionType: .v), imageSize: 512)
    case .mini:
      ModelBundle.Configuration(
        autoencoder: Autoencoder.Configuration(
          latentChannels: 64, encoderPatch: 4, encoderWidths: [64, 128, 192], encoderBlocks: [1, 1, 1],
          decoderWidths: [192, 160, 96, 48], decoderBlocks: [1, 1, 1, 1], decoderOutputWidth: 24,
          superResolutionWidths: [16, 8], normGroups: 8),
        adapter: TextAdapter.Configuration(inputWidth: 384, width: 192, layers: 2, heads: 6, maxTokens: 32),
        unet: UNet.Configuration(
          sampleSize: 8, inChannels: 64, outChannels: 64, downBlockTypes: [.crossAttention, .crossAttention],
          midBlockType: .crossAttention, upBlockTypes: [.crossAttention, .crossAttention],
          blockOutChannels: [96, 128],
          layersPerBlock: 1, transformerLayersPerBlock: 1, attentionHeadDim: [3, 4],
          useLinearProjection: true,
          crossAttentionDim: 192, classEmbedType: .projection, projectionClassEmbeddingsInputDim: 192,
          normNumGroups: 32, normEps: 1e-5, actFn: .silu, flipSinToCos: true, freqShift: 0,
          downsamplePadding: 1),
        schedule: Schedule.Configuration(betaSchedule: .cosine, predictionType: .v), imageSize: 512)
    }
  }
}

extension Autoencoder.Configuration {
  /// 512×512 to 64×16×16 and back through a palette decoder: the autoencoder that `midi` and larger models share.
  public static let palette16 = Autoencoder.Configuration(
    latentChannels: 64, encoderPatch: 4, encoderWidths: [64, 128, 256], encoderBlocks: [1, 1, 2],
    decoderWidths: [192, 192, 96], decoderBlocks: [2, 2, 2], decoderOutputWidth: 96, superResolutionWidths: [],
    normGroups: 8, palette: Autoencoder.Palette())
}
