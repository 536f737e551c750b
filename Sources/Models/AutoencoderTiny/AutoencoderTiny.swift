import NN
import Support
import Torch

/// Images to latents and back with diffusers' `AutoencoderTiny`: TAESD, a distillation of Stable Diffusion's
/// autoencoder with a twentieth of its cost.
///
/// Its latents are those that a denoiser sees. Blocks are three 3×3 convolutions with ReLU; nothing is normalized.
public final class AutoencoderTiny: Module {
  /// The numbers that define the network: diffusers' `config.json` of `AutoencoderTiny`, in Swift names.
  public struct Configuration: NetworkConfiguration, Equatable {
    /// Channels of an image.
    public var inChannels: Int
    /// Channels of a decoded image.
    public var outChannels: Int
    /// Channels of the latent.
    public var latentChannels: Int
    /// Width of each level of the encoder, from the full resolution to the lowest; all are equal.
    public var encoderBlockOutChannels: [Int]
    /// Width of each level of the decoder, from the lowest resolution to the full one; all are equal.
    public var decoderBlockOutChannels: [Int]
    /// Residual blocks of each level of the encoder.
    public var numEncoderBlocks: [Int]
    /// Residual blocks of each level of the decoder.
    public var numDecoderBlocks: [Int]
    /// Activation within blocks; that after a block is ReLU.
    public var actFn: Activation
    /// Factor of the latents that the denoiser sees; nil is 1.
    public var scalingFactor: Double?
    /// Number that is subtracted from latents before they are scaled; nil is 0.
    public var shiftFactor: Double?

    /// A configuration of the given sizes, with the other values of TAESD unless given.
    public init(
      latentChannels: Int = 4, encoderBlockOutChannels: [Int] = [64, 64, 64, 64],
      decoderBlockOutChannels: [Int] = [64, 64, 64, 64], numEncoderBlocks: [Int] = [1, 3, 3, 3],
      numDecoderBlocks: [Int] = [3, 3, 3, 1], inChannels: Int = 3, outChannels: Int = 3, actFn: Activation = .relu,
      scalingFactor: Double? = 1, shiftFactor: Double? = 0
    ) {
      (self.inChannels, self.outChannels, self.latentChannels) = (inChannels, outChannels, latentChannels)
      self.encoderBlockOutChannels = encoderBlockOutChannels
      self.decoderBlockOutChannels = decoderBlockOutChannels
      (self.numEncoderBlocks, self.numDecoderBlocks) = (numEncoderBlocks, numDecoderBlocks)
      (self.actFn, self.scalingFactor, self.shiftFactor) = (actFn, scalingFactor, shiftFactor)
    }

    /// Pixels per latent cell, along one side.
    public var downsample: Int { 1 << (encoderBlockOutChannels.count - 1) }

    /// Throws for a value out of range, lists of different lengths, or widths of a list that are not equal.
    public func validate() throws(ConfigurationError) {
      try require("in_channels", inChannels, in: ConfigurationLimit.channels)
      try require("out_channels", outChannels, in: ConfigurationLimit.channels)
      try require("latent_channels", latentChannels, in: ConfigurationLimit.channels)
      for (part, widths, blocks) in [
        ("encoder", encoderBlockOutChannels, numEncoderBlocks), ("decoder", decoderBlockOutChannels, numDecoderBlocks),
      ] {
        let key = "\(part)_block_out_channels"
        if !ConfigurationLimit.levels.contains(widths.count) {
          throw ConfigurationError(key, "a list of \(widths.count)", expected: "1 to 16 levels")
        }
        try require(key, widths, in: ConfigurationLimit.channels)
        for (level, width) in widths.enumerated() where width != widths[0] {
          throw ConfigurationError("\(key)[\(level)]", width, expected: "\(widths[0]), the width of the first level")
        }
        try require("num_\(part)_blocks", count: blocks.count, as: widths.count, of: key)
        try require("num_\(part)_blocks", blocks, in: ConfigurationLimit.layers)
      }
      try require(
        "decoder_block_out_channels", count: decoderBlockOutChannels.count, as: encoderBlockOutChannels.count,
        of: "encoder_block_out_channels")
      if let scalingFactor { try require("scaling_factor", scalingFactor, in: 1e-6...1e6) }
      if let shiftFactor { try require("shift_factor", shiftFactor, in: -1e6...1e6) }
    }

    /// Elements of the kernels.
    public var weightCount: Int {
      let (encoder, decoder) = (encoderBlockOutChannels[0], decoderBlockOutChannels[0])
      let levels = encoderBlockOutChannels.count
      func blocks(_ counts: [Int], _ width: Int) -> Int { 27 * counts.reduce(0, +) * width * width }
      return 9 * encoder * (inChannels + (levels - 1) * encoder + latentChannels) + blocks(numEncoderBlocks, encoder)
        + 9 * decoder * (latentChannels + (levels - 1) * decoder + outChannels) + blocks(numDecoderBlocks, decoder)
    }
  }

  let encoder: TinyCoder
  let decoder: TinyCoder
  /// The sizes that the network was built with.
  public let configuration: Configuration

  /// A network of the given sizes; traps if they are invalid.
  public init(_ configuration: Configuration, _ initial: Initializer) {
    configuration.checkedOrTrap()
    self.configuration = configuration
    encoder = TinyCoder(encoder: configuration, initial)
    decoder = TinyCoder(decoder: configuration, initial)
  }

  /// Images `[B, 3, H, W]` in −1…1 to latents for the denoiser, `[B, C, H / factor, W / factor]`.
  ///
  /// A size that the factor does not divide is rounded up at every level.
  public func encode(_ pixels: Tensor) -> Tensor {
    let raw = encoder((pixels + 1) / 2)
    return (raw - (configuration.shiftFactor ?? 0)) * (configuration.scalingFactor ?? 1)
  }

  /// Latents `[B, C, h, w]` to images `[B, 3, factor · h, factor · w]`, about −1…1 (not clamped).
  public func decode(_ latents: Tensor) -> Tensor {
    let raw = latents / (configuration.scalingFactor ?? 1) + (configuration.shiftFactor ?? 0)
    return decoder((raw / 3).tanh() * 3) * 2 - 1  // values beyond ±3 are rare, and squeezed
  }
}

extension AutoencoderTiny: ConfiguredModel {
  /// The class of diffusers with the same structure and keys.
  public static var className: String { "AutoencoderTiny" }
  /// Options of diffusers' class for which Flux supports one value only.
  public static var fixedOptions: [String: FixedOption] {
    ["upsample_fn": .text("nearest"), "upsampling_scaling_factor": .number(2)]
  }
}
