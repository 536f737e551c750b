import Foundation
import NN

extension UNet {
  /// The numbers that define a U-Net: diffusers' `config.json` of `UNet2DConditionModel`, in Swift names.
  public struct Configuration: Codable, Sendable, Equatable {
    public enum DownBlock: String, Codable, Sendable {
      case plain = "DownBlock2D"
      case crossAttention = "CrossAttnDownBlock2D"
    }
    public enum MidBlock: String, Codable, Sendable {
      case plain = "UNetMidBlock2D"
      case crossAttention = "UNetMidBlock2DCrossAttn"
    }
    public enum UpBlock: String, Codable, Sendable {
      case plain = "UpBlock2D"
      case crossAttention = "CrossAttnUpBlock2D"
    }
    public enum ClassEmbedding: String, Codable, Sendable {
      case projection
    }

    public var sampleSize: Int?  // side of the latent that it was trained on; not enforced
    public var inChannels: Int
    public var outChannels: Int
    public var downBlockTypes: [DownBlock]
    public var midBlockType: MidBlock?
    public var upBlockTypes: [UpBlock]
    public var blockOutChannels: [Int]  // width per level
    public var layersPerBlock: PerLevel  // residual blocks per down level; up levels have one more
    public var transformerLayersPerBlock: PerLevel
    public var attentionHeadDim: PerLevel  // the NUMBER of heads per level: diffusers' historical name
    public var useLinearProjection: Bool
    public var crossAttentionDim: Int  // width of the context
    public var classEmbedType: ClassEmbedding?
    public var projectionClassEmbeddingsInputDim: Int?
    public var normNumGroups: Int
    public var normEps: Double
    public var actFn: Activation
    public var flipSinToCos: Bool
    public var freqShift: Double
    public var downsamplePadding: Int

    /// All fields, as in diffusers' file.
    public init(
      sampleSize: Int?, inChannels: Int, outChannels: Int, downBlockTypes: [DownBlock],
      midBlockType: MidBlock?,
      upBlockTypes: [UpBlock], blockOutChannels: [Int], layersPerBlock: PerLevel,
      transformerLayersPerBlock: PerLevel,
      attentionHeadDim: PerLevel, useLinearProjection: Bool, crossAttentionDim: Int,
      classEmbedType: ClassEmbedding?,
      projectionClassEmbeddingsInputDim: Int?, normNumGroups: Int, normEps: Double, actFn: Activation,
      flipSinToCos: Bool, freqShift: Double, downsamplePadding: Int
    ) {
      self.sampleSize = sampleSize
      self.inChannels = inChannels
      self.outChannels = outChannels
      self.downBlockTypes = downBlockTypes
      self.midBlockType = midBlockType
      self.upBlockTypes = upBlockTypes
      self.blockOutChannels = blockOutChannels
      self.layersPerBlock = layersPerBlock
      self.transformerLayersPerBlock = transformerLayersPerBlock
      self.attentionHeadDim = attentionHeadDim
      self.useLinearProjection = useLinearProjection
      self.crossAttentionDim = crossAttentionDim
      self.classEmbedType = classEmbedType
      self.projectionClassEmbeddingsInputDim = projectionClassEmbeddingsInputDim
      self.normNumGroups = normNumGroups
      self.normEps = normEps
      self.actFn = actFn
      self.flipSinToCos = flipSinToCos
      self.freqShift = freqShift
      self.downsamplePadding = downsamplePadding
    }

    /// What is wrong with these numbers, or nil.
    public var problem: String? {
      let levels = blockOutChannels.count
      if levels == 0 { return "block_out_channels is empty" }
      if downBlockTypes.count != levels {
        return "down_block_types has \(downBlockTypes.count) entries for \(levels) levels"
      }
      if upBlockTypes.count != levels {
        return "up_block_types has \(upBlockTypes.count) entries for \(levels) levels"
      }
      for (name, list) in [
        ("layers_per_block", layersPerBlock), ("transformer_layers_per_block", transformerLayersPerBlock),
        ("attention_head_dim", attentionHeadDim),
      ] {
        if case .each(let values) = list, values.count != levels {
          return "\(name) has \(values.count) entries for \(levels) levels"
        }
      }
      for (level, width) in blockOutChannels.enumerated() {
        if width % normNumGroups != 0 {
          return "width \(width) is not a multiple of norm_num_groups \(normNumGroups)"
        }
        let heads = attentionHeadDim[level]
        if heads < 1 || width % heads != 0 { return "width \(width) is not a multiple of heads \(heads)" }
      }
      if classEmbedType == .projection, projectionClassEmbeddingsInputDim == nil {
        return "class_embed_type projection needs projection_class_embeddings_input_dim"
      }
      return nil
    }
  }
}

/// One number for all levels or a number for each, as diffusers' configurations allow.
public enum PerLevel: Codable, Sendable, Equatable, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral {
  case all(Int)
  case each([Int])

  public init(integerLiteral value: Int) { self = .all(value) }
  public init(arrayLiteral elements: Int...) { self = .each(elements) }

  public init(from decoder: any Swift.Decoder) throws {
    let container = try decoder.singleValueContainer()
    self =
      if let value = try? container.decode(Int.self) { .all(value) } else {
        .each(try container.decode([Int].self))
      }
  }

  public func encode(to encoder: any Swift.Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .all(let value): try container.encode(value)
    case .each(let values): try container.encode(values)
    }
  }

  public subscript(level: Int) -> Int {
    switch self {
    case .all(let value): value
    case .each(let values): values[level]
    }
  }
}
