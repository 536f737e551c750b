import Foundation
import NN
import Support

extension UNet {
  /// The numbers that define a U-Net: diffusers' `config.json` of `UNet2DConditionModel`, in Swift names.
  public struct Configuration: NetworkConfiguration, Equatable {
    public enum DownBlock: String, ConfigurationChoice {
      case plain = "DownBlock2D"
      case crossAttention = "CrossAttnDownBlock2D"
    }
    public enum MidBlock: String, ConfigurationChoice {
      case plain = "UNetMidBlock2D"
      case crossAttention = "UNetMidBlock2DCrossAttn"
    }
    public enum UpBlock: String, ConfigurationChoice {
      case plain = "UpBlock2D"
      case crossAttention = "CrossAttnUpBlock2D"
    }
    public enum ClassEmbedding: String, ConfigurationChoice {
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

    public func validate() throws(ConfigurationError) {
      if let sampleSize { try require("sample_size", sampleSize, in: ConfigurationLimit.imageSide) }
      try require("in_channels", inChannels, in: ConfigurationLimit.channels)
      try require("out_channels", outChannels, in: ConfigurationLimit.channels)
      try require("cross_attention_dim", crossAttentionDim, in: ConfigurationLimit.channels)
      try require("norm_num_groups", normNumGroups, in: ConfigurationLimit.channels)
      try require("norm_eps", normEps, in: ConfigurationLimit.epsilon)
      try require("downsample_padding", downsamplePadding, in: 0...1)

      let levels = blockOutChannels.count
      if !ConfigurationLimit.levels.contains(levels) {
        throw ConfigurationError("block_out_channels", "a list of \(levels)", expected: "1 to 16 levels")
      }
      try require("block_out_channels", blockOutChannels, in: ConfigurationLimit.channels)
      try require("down_block_types", count: downBlockTypes.count, as: levels, of: "block_out_channels")
      try require("up_block_types", count: upBlockTypes.count, as: levels, of: "block_out_channels")
      try requirePerLevel("layers_per_block", layersPerBlock)
      try requirePerLevel("transformer_layers_per_block", transformerLayersPerBlock)
      try requirePerLevel("attention_head_dim", attentionHeadDim)
      for (level, width) in blockOutChannels.enumerated() {
        let key = "block_out_channels[\(level)]"
        try require(key, width, multipleOf: normNumGroups, "norm_num_groups")
        try require(key, width, multipleOf: attentionHeadDim[level], "attention_head_dim")
      }
      // Half of the first width are sines, half cosines, of frequencies that are spread over that half.
      try require("block_out_channels[0]", blockOutChannels[0], multipleOf: 2, "sines and cosines")
      let half = Double(blockOutChannels[0] / 2)
      if !(freqShift >= 0 && freqShift < half) {
        throw ConfigurationError("freq_shift", freqShift, expected: "0 or more, and less than \(half)")
      }
      if let input = projectionClassEmbeddingsInputDim {
        try require("projection_class_embeddings_input_dim", input, in: ConfigurationLimit.channels)
      } else if classEmbedType == .projection {
        throw ConfigurationError(
          "projection_class_embeddings_input_dim", "null", expected: "a number, since class_embed_type is projection")
      }
    }

    private func requirePerLevel(_ key: String, _ value: PerLevel) throws(ConfigurationError) {
      switch value {
      case .all(let number): try require(key, number, in: ConfigurationLimit.layers)
      case .each(let numbers):
        try require(key, count: numbers.count, as: blockOutChannels.count, of: "block_out_channels")
        try require(key, numbers, in: ConfigurationLimit.layers)
      }
    }

    public var weightCount: Int { flops(height: 1, width: 1, tokens: 1) / 2 }
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
      if let value = try? container.decode(Int.self) {
        .all(value)
      } else if let values = try? container.decode([Int].self) {
        .each(values)
      } else {
        throw DecodingError.dataCorruptedError(
          in: container, debugDescription: "expected a whole number, or a list of one for each level")
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
