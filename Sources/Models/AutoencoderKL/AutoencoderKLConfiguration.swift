import NN
import Support

extension AutoencoderKL {
  /// The numbers that define an autoencoder: diffusers' `config.json` of `AutoencoderKL`, in Swift names.
  ///
  /// Files of older versions lack the last fields; they have diffusers' defaults.
  public struct Configuration: NetworkConfiguration, Equatable {
    /// Types of the encoder's levels, with diffusers' names.
    public enum DownBlock: String, ConfigurationChoice {
      /// Residual blocks alone.
      case plain = "DownEncoderBlock2D"
    }
    /// Types of the decoder's levels, with diffusers' names.
    public enum UpBlock: String, ConfigurationChoice {
      /// Residual blocks alone.
      case plain = "UpDecoderBlock2D"
    }

    /// Channels of an image.
    public var inChannels: Int
    /// Channels of a decoded image.
    public var outChannels: Int
    /// Type of each level of the encoder, from the full resolution to the lowest.
    public var downBlockTypes: [DownBlock]
    /// Type of each level of the decoder, from the lowest resolution to the full one.
    public var upBlockTypes: [UpBlock]
    /// Width of each level, from the full resolution to the lowest; a multiple of `normNumGroups`.
    public var blockOutChannels: [Int]
    /// Residual blocks of each level of the encoder; those of the decoder have one more.
    public var layersPerBlock: Int
    /// Channels of the latent.
    public var latentChannels: Int
    /// Number of groups of the group normalization.
    public var normNumGroups: Int
    /// Side of the images that the network was trained on, in pixels; not enforced.
    public var sampleSize: Int?
    /// Factor of the latents that the denoiser sees.
    public var scalingFactor: Double
    /// Number that is subtracted from latents before they are scaled; nil is 0.
    public var shiftFactor: Double?
    /// Mean of each channel of the latents, in place of `shiftFactor` where `latentsStd` is given, too.
    public var latentsMean: [Double]?
    /// Standard deviation of each channel of the latents.
    public var latentsStd: [Double]?
    /// Whether float16 overflows; Flux computes in float32 and does not use it.
    public var forceUpcast: Bool
    /// Whether a 1×1 convolution follows the encoder.
    public var useQuantConv: Bool
    /// Whether a 1×1 convolution comes before the decoder.
    public var usePostQuantConv: Bool
    /// Whether the middle of encoder and decoder has attention.
    public var midBlockAddAttention: Bool

    /// A configuration of the given sizes, with the other values of Stable Diffusion 1 unless given.
    public init(
      blockOutChannels: [Int] = [128, 256, 512, 512], layersPerBlock: Int = 2, latentChannels: Int = 4,
      normNumGroups: Int = 32, inChannels: Int = 3, outChannels: Int = 3, sampleSize: Int? = nil,
      scalingFactor: Double = 0.18215, shiftFactor: Double? = nil, latentsMean: [Double]? = nil,
      latentsStd: [Double]? = nil, forceUpcast: Bool = true, useQuantConv: Bool = true, usePostQuantConv: Bool = true,
      midBlockAddAttention: Bool = true
    ) {
      (self.inChannels, self.outChannels) = (inChannels, outChannels)
      downBlockTypes = blockOutChannels.map { _ in .plain }
      upBlockTypes = blockOutChannels.map { _ in .plain }
      (self.blockOutChannels, self.layersPerBlock) = (blockOutChannels, layersPerBlock)
      (self.latentChannels, self.normNumGroups, self.sampleSize) = (latentChannels, normNumGroups, sampleSize)
      (self.scalingFactor, self.shiftFactor) = (scalingFactor, shiftFactor)
      (self.latentsMean, self.latentsStd) = (latentsMean, latentsStd)
      (self.forceUpcast, self.useQuantConv) = (forceUpcast, useQuantConv)
      (self.usePostQuantConv, self.midBlockAddAttention) = (usePostQuantConv, midBlockAddAttention)
    }

    public init(from decoder: any Swift.Decoder) throws {
      let table = try decoder.container(keyedBy: CodingKeys.self)
      inChannels = try table.decode(Int.self, forKey: .inChannels)
      outChannels = try table.decode(Int.self, forKey: .outChannels)
      downBlockTypes = try table.decode([DownBlock].self, forKey: .downBlockTypes)
      upBlockTypes = try table.decode([UpBlock].self, forKey: .upBlockTypes)
      blockOutChannels = try table.decode([Int].self, forKey: .blockOutChannels)
      layersPerBlock = try table.decode(Int.self, forKey: .layersPerBlock)
      latentChannels = try table.decode(Int.self, forKey: .latentChannels)
      normNumGroups = try table.decode(Int.self, forKey: .normNumGroups)
      sampleSize = try table.decodeIfPresent(Int.self, forKey: .sampleSize)
      scalingFactor = try table.decodeIfPresent(Double.self, forKey: .scalingFactor) ?? 0.18215
      shiftFactor = try table.decodeIfPresent(Double.self, forKey: .shiftFactor)
      latentsMean = try table.decodeIfPresent([Double].self, forKey: .latentsMean)
      latentsStd = try table.decodeIfPresent([Double].self, forKey: .latentsStd)
      forceUpcast = try table.decodeIfPresent(Bool.self, forKey: .forceUpcast) ?? true
      useQuantConv = try table.decodeIfPresent(Bool.self, forKey: .useQuantConv) ?? true
      usePostQuantConv = try table.decodeIfPresent(Bool.self, forKey: .usePostQuantConv) ?? true
      midBlockAddAttention = try table.decodeIfPresent(Bool.self, forKey: .midBlockAddAttention) ?? true
    }

    /// Pixels per latent cell, along one side.
    public var downsample: Int { 1 << (blockOutChannels.count - 1) }

    /// Throws for a value out of range, lists of different lengths, or widths that the groups do not divide.
    public func validate() throws(ConfigurationError) {
      try require("in_channels", inChannels, in: ConfigurationLimit.channels)
      try require("out_channels", outChannels, in: ConfigurationLimit.channels)
      try require("latent_channels", latentChannels, in: ConfigurationLimit.channels)
      try require("norm_num_groups", normNumGroups, in: ConfigurationLimit.channels)
      try require("layers_per_block", layersPerBlock, in: ConfigurationLimit.layers)
      if let sampleSize { try require("sample_size", sampleSize, in: ConfigurationLimit.imageSide) }
      let levels = blockOutChannels.count
      if !ConfigurationLimit.levels.contains(levels) {
        throw ConfigurationError("block_out_channels", "a list of \(levels)", expected: "1 to 16 levels")
      }
      try require("block_out_channels", blockOutChannels, in: ConfigurationLimit.channels)
      try require("down_block_types", count: downBlockTypes.count, as: levels, of: "block_out_channels")
      try require("up_block_types", count: upBlockTypes.count, as: levels, of: "block_out_channels")
      for (level, width) in blockOutChannels.enumerated() {
        try require("block_out_channels[\(level)]", width, multipleOf: normNumGroups, "norm_num_groups")
      }
      try require("scaling_factor", scalingFactor, in: 1e-6...1e6)
      if let shiftFactor { try require("shift_factor", shiftFactor, in: -1e6...1e6) }
      for (key, values, range) in [
        ("latents_mean", latentsMean, -1e6...1e6), ("latents_std", latentsStd, 1e-6...1e6),
      ] {
        guard let values else { continue }
        if values.count != latentChannels {
          throw ConfigurationError(
            key, "a list of \(values.count)", expected: "\(latentChannels), one for each of latent_channels")
        }
        for (channel, value) in values.enumerated() { try require("\(key)[\(channel)]", value, in: range) }
      }
    }

    /// Elements of the kernels and matrices.
    public var weightCount: Int {
      func block(_ inputs: Int, _ width: Int) -> Int {
        9 * width * (inputs + width) + (inputs == width ? 0 : inputs * width)
      }
      func levels(_ widths: [Int], blocks: Int) -> Int {
        zip(widths.prefix(1) + widths, widths).reduce(0) { $0 + block($1.0, $1.1) + (blocks - 1) * block($1.1, $1.1) }
          + 9 * widths.dropLast().reduce(0) { $0 + $1 * $1 }  // between the levels
      }
      let (first, last) = (blockOutChannels[0], blockOutChannels[blockOutChannels.count - 1])
      let middle = 2 * block(last, last) + (midBlockAddAttention ? 4 * last * last : 0)
      let latent = latentChannels * latentChannels
      return 9 * (inChannels * first + 3 * latentChannels * last + first * outChannels)  // first and last layers
        + levels(blockOutChannels, blocks: layersPerBlock)
        + levels(blockOutChannels.reversed(), blocks: layersPerBlock + 1)
        + 2 * middle + (useQuantConv ? 4 * latent : 0) + (usePostQuantConv ? latent : 0)
    }
  }
}
