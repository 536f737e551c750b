import NN
import Torch

@testable import Models

/// Networks that are built and run in milliseconds.
enum SmallNetworks {
  /// Two levels, of which the lower one and the middle have attention.
  static let unet = UNet.Configuration(
    sampleSize: nil, inChannels: 4, outChannels: 4, downBlockTypes: [.plain, .crossAttention],
    midBlockType: .crossAttention, upBlockTypes: [.crossAttention, .plain], blockOutChannels: [8, 12],
    layersPerBlock: 1, transformerLayersPerBlock: 1, attentionHeadDim: 2, useLinearProjection: true,
    crossAttentionDim: 6, classEmbedType: .projection, projectionClassEmbeddingsInputDim: 6, normNumGroups: 4,
    normEps: 1e-5, actFn: .silu, flipSinToCos: true, freqShift: 0, downsamplePadding: 1)

  /// The same, wide enough for groups of weights.
  static let wideUNet = UNet.Configuration(
    sampleSize: nil, inChannels: 4, outChannels: 4, downBlockTypes: [.plain, .crossAttention],
    midBlockType: .crossAttention, upBlockTypes: [.crossAttention, .plain], blockOutChannels: [32, 64],
    layersPerBlock: 1, transformerLayersPerBlock: 1, attentionHeadDim: 2, useLinearProjection: false,
    crossAttentionDim: 32, classEmbedType: .projection, projectionClassEmbeddingsInputDim: 32, normNumGroups: 4,
    normEps: 1e-5, actFn: .silu, flipSinToCos: true, freqShift: 0, downsamplePadding: 1)

  static let adapter = TextAdapter.Configuration(inputWidth: 6, width: 8, layers: 2, heads: 2, maxTokens: 5)

  static let textEncoder = TextEncoder.Configuration(
    vocabSize: 40, hiddenSize: 8, numHiddenLayers: 2, numAttentionHeads: 2, intermediateSize: 12,
    maxPositionEmbeddings: 6, typeVocabSize: 2, layerNormEps: 1e-12, hiddenAct: .gelu)

  static let clip = CLIPTextModel.Configuration(
    vocabSize: 40, hiddenSize: 8, intermediateSize: 12, numHiddenLayers: 2, numAttentionHeads: 2,
    maxPositionEmbeddings: 6, hiddenAct: .quickGelu)

  /// 8 pixels a cell: 4 by encoder and decoder, 2 by super-resolution.
  static let autoencoder = Autoencoder.Configuration(
    latentChannels: 6, encoderPatch: 2, encoderWidths: [8, 16], encoderBlocks: [1, 1], decoderWidths: [16, 8],
    decoderBlocks: [1, 1], decoderOutputWidth: 8, superResolutionWidths: [8], normGroups: 4)

  /// 8 pixels a cell: 2 by the decoder, 4 by the enlargement of the fields.
  static let palette = Autoencoder.Configuration(
    latentChannels: 6, encoderPatch: 2, encoderWidths: [8, 16], encoderBlocks: [1, 1], decoderWidths: [16, 8],
    decoderBlocks: [1, 1], decoderOutputWidth: 8, superResolutionWidths: [], normGroups: 4,
    palette: Autoencoder.Palette(colors: 3, enlargement: 4, sharpness: 6, encoderShrink: 2))

  /// 4 pixels a cell.
  static let autoencoderKL = AutoencoderKL.Configuration(
    blockOutChannels: [4, 4, 6], layersPerBlock: 1, latentChannels: 3, normNumGroups: 2)

  /// 4 pixels a cell.
  static let autoencoderTiny = AutoencoderTiny.Configuration(
    latentChannels: 3, encoderBlockOutChannels: [4, 4, 4], decoderBlockOutChannels: [6, 6, 6],
    numEncoderBlocks: [1, 1, 2], numDecoderBlocks: [2, 1, 1])

  /// Random values for what a new network has zeros in, so that every layer shows in the result.
  static func awaken(_ module: any Module, seed: UInt64 = 7) {
    let generator = Generator(seed: seed)
    withNoGrad {
      for (_, tensor) in module.parameters where tensor.max().item() == 0 && tensor.min().item() == 0 {
        tensor.normal_(std: 0.1, generator: generator)
      }
    }
  }
}

extension Module {
  /// Number of elements of matrices and kernels.
  var matrixElements: Int { parameters.reduce(0) { $0 + ($1.tensor.rank >= 2 ? $1.tensor.count : 0) } }
}
