import Foundation
import NN
import Support

extension UNet {
  /// The numbers that define a U-Net: diffusers' `config.json` of `UNet2DConditionModel`, in Swift names.
  public struct Configuration: NetworkConfiguration, Equatable {
    /// Types of down blocks, with diffusers' names.
    public enum DownBlock: String, ConfigurationChoice {
      /// Residual blocks alone.
      case plain = "DownBlock2D"
      /// Residual blocks, each followed by a transformer with cross-attention.
      case crossAttention = "CrossAttnDownBlock2D"
    }
    /// Types of the block at the lowest resolution, with diffusers' names.
    public enum MidBlock: String, ConfigurationChoice {
      /// One residual block.
      case plain = "UNetMidBlock2D"
      /// A residual block, a transformer with cross-attention, and another residual block.
      case crossAttention = "UNetMidBlock2DCrossAttn"
    }
    /// Types of up blocks, with diffusers' names.
    public enum UpBlock: String, ConfigurationChoice {
      /// Residual blocks alone.
      case plain = "UpBlock2D"
      /// Residual blocks, each followed by a transformer with cross-attention.
      case crossAttention = "CrossAttnUpBlock2D"
    }
    /// Types of the embedding that joins the time embedding.
    public enum ClassEmbedding: String, ConfigurationChoice {
      /// Two linear layers around an activation, here for the pooled text.
      case projection
    }

    /// Types of what joins the time embedding besides a class embedding.
    public enum AdditionEmbedding: String, ConfigurationChoice {
      /// Pooled text and the sines and cosines of the image's sizes (Podell et al., 2023).
      case textTime = "text_time"
    }

    /// Side of the latent that the network was trained on, in cells; not enforced.
    public var sampleSize: Int?
    /// Channels of the noisy latent, and of what an inpainting model sees beside it.
    public var inChannels: Int
    /// Channels of the prediction.
    public var outChannels: Int
    /// Type of each down level, from the full resolution to the lowest.
    public var downBlockTypes: [DownBlock]
    /// Type of the middle block; nil omits it.
    public var midBlockType: MidBlock?
    /// Type of each up level, from the lowest resolution to the full one.
    public var upBlockTypes: [UpBlock]
    /// Width of each level, from the full resolution to the lowest; a multiple of `normNumGroups`.
    public var blockOutChannels: [Int]
    /// Residual blocks of each down level; up levels have one more.
    public var layersPerBlock: PerLevel
    /// Transformer blocks after each residual block, per level.
    public var transformerLayersPerBlock: PerLevel
    /// The number of attention heads per level, not their width: the name is diffusers' historical one.
    public var attentionHeadDim: PerLevel
    /// Stores the projections of the transformers as matrices; false stores them as 1×1 convolutions.
    public var useLinearProjection: Bool
    /// Width of the context for cross-attention.
    public var crossAttentionDim: Int
    /// Type of the class embedding, which takes the pooled text; nil omits it.
    public var classEmbedType: ClassEmbedding?
    /// Width of the pooled text; with `additionEmbedType` also of the sines of six numbers; required with either.
    public var projectionClassEmbeddingsInputDim: Int?
    /// Number of groups of the group normalization.
    public var normNumGroups: Int
    /// Number that group normalization adds to the variance; transformers use 1e-6 instead.
    public var normEps: Double
    /// Activation of residual blocks and embeddings.
    public var actFn: Activation
    /// Orders the time embedding as cosines, then sines; false is the reverse.
    public var flipSinToCos: Bool
    /// s in the frequencies 10000^(−i / (n − s)) of the time embedding, 0 ..< n, where n is half of the first width.
    public var freqShift: Double
    /// Zero padding of the downsampling convolutions: 1 on all sides, or 0 for one on the right and at the bottom.
    public var downsamplePadding: Int
    /// Type of the embedding of pooled text and sizes; nil omits it.
    public var additionEmbedType: AdditionEmbedding?
    /// Sines and cosines of each of the sizes, an even number; required with `additionEmbedType`.
    public var additionTimeEmbedDim: Int?
    /// Sines and cosines of the guidance scale, an even number, which join those of the time; nil omits them.
    public var timeCondProjDim: Int?

    enum CodingKeys: String, CodingKey {
      case sampleSize, inChannels, outChannels, downBlockTypes, midBlockType, upBlockTypes, blockOutChannels
      case layersPerBlock, transformerLayersPerBlock, attentionHeadDim, useLinearProjection, crossAttentionDim
      case classEmbedType, projectionClassEmbeddingsInputDim, normNumGroups, normEps, actFn, flipSinToCos, freqShift
      case downsamplePadding, additionEmbedType, additionTimeEmbedDim, timeCondProjDim
    }

    /// All fields that Flux's own networks have, as in diffusers' file; the other ones are nil.
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

    /// Throws for a value out of range, lists of different lengths, or widths that groups or heads do not divide.
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
      try requireTransformers()
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
      try validateAddition()
      if let input = projectionClassEmbeddingsInputDim {
        try require("projection_class_embeddings_input_dim", input, in: ConfigurationLimit.channels)
      } else if classEmbedType == .projection {
        throw ConfigurationError(
          "projection_class_embeddings_input_dim", "null", expected: "a number, since class_embed_type is projection")
      }
    }

    private func validateAddition() throws(ConfigurationError) {
      for (key, width) in [("addition_time_embed_dim", additionTimeEmbedDim), ("time_cond_proj_dim", timeCondProjDim)] {
        guard let width else { continue }
        try require(key, width, in: ConfigurationLimit.channels)
        try require(key, width, multipleOf: 2, "sines and cosines")
        if width < 4 { throw ConfigurationError(key, width, expected: "4 or more") }
      }
      guard additionEmbedType == .textTime else { return }
      if let classEmbedType {
        throw ConfigurationError(
          "class_embed_type", "\"\(classEmbedType.rawValue)\"", expected: "null, since addition_embed_type is text_time"
        )
      }
      let reason = "a number, since addition_embed_type is text_time"
      guard let sines = additionTimeEmbedDim else {
        throw ConfigurationError("addition_time_embed_dim", "null", expected: reason)
      }
      guard let input = projectionClassEmbeddingsInputDim else {
        throw ConfigurationError("projection_class_embeddings_input_dim", "null", expected: reason)
      }
      if input <= Self.sizeCount * sines {
        throw ConfigurationError(
          "projection_class_embeddings_input_dim", input,
          expected:
            "more than \(Self.sizeCount * sines), since \(Self.sizeCount) sizes have addition_time_embed_dim each")
      }
    }

    /// The sizes of `text_time`: original height and width, top and left of the crop, target height and width.
    static let sizeCount = 6

    /// Width of the pooled text of `text_time`; nil without that embedding.
    public var pooledTextWidth: Int? {
      guard additionEmbedType == .textTime, let sines = additionTimeEmbedDim else { return nil }
      return projectionClassEmbeddingsInputDim.map { $0 - Self.sizeCount * sines }
    }

    /// Levels without attention may have a list's 0.
    private func requireTransformers() throws(ConfigurationError) {
      let (key, value) = ("transformer_layers_per_block", transformerLayersPerBlock)
      guard case .each(let numbers) = value else { return try requirePerLevel(key, value) }
      try require(key, count: numbers.count, as: blockOutChannels.count, of: "block_out_channels")
      let last = numbers.count - 1
      for (level, number) in numbers.enumerated() {
        let attends =
          downBlockTypes[level] == .crossAttention || upBlockTypes[last - level] == .crossAttention
          || (level == last && midBlockType == .crossAttention)
        try require("\(key)[\(level)]", number, in: attends ? ConfigurationLimit.layers : 0...1000)
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

    /// Elements of the matrices and kernels, derived from the operations for a latent of one cell and one token.
    public var weightCount: Int { flops(height: 1, width: 1, tokens: 1) / 2 }
  }
}
