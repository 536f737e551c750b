import NN
import Support
import Torch

/// Images to latents and back: a small convolutional encoder and a bilinear decoder.
///
/// The encoder is deterministic and works at the base size; the decoder outputs the base size, which super-resolution
/// levels, if any, double further. Those of a palette decoder double its fields instead, for images above the base size.
/// Latents are normalized per channel by running statistics that are stored with the weights: outside this file all latents
/// are normalized, with mean 0 and standard deviation 1.
public final class Autoencoder: Module {
  /// The sizes of encoder, decoder and super-resolution levels, as stored in `config.json`.
  public struct Configuration: NetworkConfiguration, Equatable {
    /// Channels of the latent.
    public var latentChannels: Int
    /// Patch size of the first layer, in pixels: the encoder begins with patches as channels.
    public var encoderPatch: Int
    /// Width of each encoder level, from the image down; each level is half the size of the one before.
    public var encoderWidths: [Int]
    /// Residual blocks of each encoder level.
    public var encoderBlocks: [Int]
    /// Width of each decoder level, from the latent up; each level is twice the size of the one before.
    public var decoderWidths: [Int]
    /// Residual blocks of each decoder level.
    public var decoderBlocks: [Int]
    /// Width of the features at the base size; palette decoders do not use it.
    public var decoderOutputWidth: Int
    /// Width of each super-resolution level, each of which doubles the size, or the fields of a palette decoder.
    public var superResolutionWidths: [Int]
    /// Number of groups of the group normalization; palette autoencoders have none.
    public var normGroups: Int
    /// The palette head (with no normalization and with strided shortcuts); nil is the RGB decoder.
    public var palette: Palette?

    /// A configuration of the given sizes; `validate` checks it.
    public init(
      latentChannels: Int, encoderPatch: Int, encoderWidths: [Int], encoderBlocks: [Int],
      decoderWidths: [Int],
      decoderBlocks: [Int], decoderOutputWidth: Int, superResolutionWidths: [Int], normGroups: Int,
      palette: Palette? = nil
    ) {
      self.latentChannels = latentChannels
      self.encoderPatch = encoderPatch
      self.encoderWidths = encoderWidths
      self.encoderBlocks = encoderBlocks
      self.decoderWidths = decoderWidths
      self.decoderBlocks = decoderBlocks
      self.decoderOutputWidth = decoderOutputWidth
      self.superResolutionWidths = superResolutionWidths
      self.normGroups = normGroups
      self.palette = palette
    }

    /// Pixels per latent cell at the base size, along one side.
    public var baseFactor: Int {
      palette.map { $0.enlargement << (decoderWidths.count - 1) } ?? 1 << decoderWidths.count
    }

    /// Groups of the group norms in residual blocks; nil if there are none.
    var blockNormGroups: Int? { palette == nil ? normGroups : nil }

    /// Output pixels per pixel at the base size, along one side.
    public var superResolutionFactor: Int { palette == nil ? 1 << superResolutionWidths.count : 1 }

    /// The sizes without the levels of a palette decoder, which images of the base size do not depend on.
    public var withoutFieldLevels: Self {
      var base = self
      if palette != nil { base.superResolutionWidths = [] }
      return base
    }

    /// Whether both have the same weights, apart from the levels of a palette decoder: its sharpness may differ.
    public func hasWeights(of other: Self) -> Bool {
      let mine = withoutFieldLevels
      var theirs = other.withoutFieldLevels
      if let palette = mine.palette { theirs.palette?.sharpness = palette.sharpness }
      return mine == theirs
    }

    /// Output pixels per latent cell, along one side.
    public var downsample: Int { baseFactor * superResolutionFactor }

    /// Throws for a value out of range, lists of different lengths, or an encoder and a decoder of different factors.
    public func validate() throws(ConfigurationError) {
      try require("latent_channels", latentChannels, in: ConfigurationLimit.channels)
      try require("norm_groups", normGroups, in: ConfigurationLimit.channels)
      try require("encoder_patch", encoderPatch, in: 1...64)
      try require("decoder_output_width", decoderOutputWidth, in: ConfigurationLimit.channels)
      for (key, widths) in [("encoder_widths", encoderWidths), ("decoder_widths", decoderWidths)] {
        if !ConfigurationLimit.levels.contains(widths.count) {
          throw ConfigurationError(key, "a list of \(widths.count)", expected: "1 to 16 levels")
        }
        try require(key, widths, in: ConfigurationLimit.channels)
      }
      if superResolutionWidths.count > 8 {
        throw ConfigurationError(
          "super_resolution_widths", "a list of \(superResolutionWidths.count)", expected: "up to 8 levels")
      }
      try require("super_resolution_widths", superResolutionWidths, in: ConfigurationLimit.channels)
      try require("encoder_blocks", count: encoderBlocks.count, as: encoderWidths.count, of: "encoder_widths")
      try require("decoder_blocks", count: decoderBlocks.count, as: decoderWidths.count, of: "decoder_widths")
      try require("encoder_blocks", encoderBlocks, in: ConfigurationLimit.layers)
      try require("decoder_blocks", decoderBlocks, in: ConfigurationLimit.layers)
      if let palette {
        try palette.validate()
        try validateShortcuts()
        // Fields that are finer than the pixels of the base size would be shrunk in images a little larger than it.
        let most = palette.enlargement.trailingZeroBitCount
        if superResolutionWidths.count > most {
          throw ConfigurationError(
            "super_resolution_widths", "a list of \(superResolutionWidths.count)",
            expected: "up to \(most) levels beside a palette with enlargement \(palette.enlargement)")
        }
      } else {
        for (key, widths) in [
          ("encoder_widths", encoderWidths), ("decoder_widths", decoderWidths),
          ("super_resolution_widths", superResolutionWidths),
        ] {
          for (level, width) in widths.enumerated() {
            try require("\(key)[\(level)]", width, multipleOf: normGroups, "norm_groups")
          }
        }
        try require("decoder_output_width", decoderOutputWidth, multipleOf: normGroups, "norm_groups")
      }
      let encoderFactor = (palette?.encoderShrink ?? 1) * encoderPatch << (encoderWidths.count - 1)
      if encoderFactor != baseFactor {
        throw ConfigurationError(
          "encoder_patch", encoderPatch,
          expected: "a value for which the encoder's downsampling, now \(encoderFactor), equals the decoder's "
            + "upsampling, \(baseFactor)")
      }
    }

    /// The parameter-free shortcuts of a palette autoencoder average or repeat whole groups of channels.
    private func validateShortcuts() throws(ConfigurationError) {
      func divides(_ a: Int, _ b: Int) -> Bool { a % b == 0 || b % a == 0 }
      for level in encoderWidths.indices.dropFirst() {
        let (before, width) = (encoderWidths[level - 1], encoderWidths[level])
        if !divides(4 * before, width) {
          throw ConfigurationError(
            "encoder_widths[\(level)]", width,
            expected: "a multiple or a divisor of four times the one before, \(before)")
        }
      }
      for level in decoderWidths.indices.dropFirst() {
        let (before, width) = (decoderWidths[level - 1], decoderWidths[level])
        try require("decoder_widths[\(level - 1)]", before, multipleOf: 4, "2×2 positions")
        if !divides(before / 4, width) {
          throw ConfigurationError(
            "decoder_widths[\(level)]", width,
            expected: "a multiple or a divisor of a quarter of the one before, \(before)")
        }
      }
    }

    /// An estimate of the elements of the convolution kernels, to compare with the size of a file.
    public var weightCount: Int {
      func blocks(_ widths: [Int], _ counts: [Int]) -> Int {
        zip(widths, counts).reduce(0) { $0 + 18 * $1.0 * $1.0 * $1.1 }
      }
      func chain(_ widths: [Int]) -> Int { zip(widths, widths.dropFirst()).reduce(0) { $0 + 9 * $1.0 * $1.1 } }
      let encoder =
        chain([3 * encoderPatch * encoderPatch] + encoderWidths + [latentChannels])
        + blocks(encoderWidths, encoderBlocks)
      let decoder =
        chain([latentChannels] + decoderWidths + [palette.map { 4 * $0.colors } ?? decoderOutputWidth])
        + blocks(decoderWidths, decoderBlocks)
      return encoder + decoder + levelWeightCount
    }

    /// The elements of the kernels of the super-resolution levels.
    private var levelWeightCount: Int {
      guard let palette else {
        return zip([decoderOutputWidth] + superResolutionWidths, superResolutionWidths).reduce(0) {
          $0 + 9 * $1.0 * $1.1
        }
      }
      let (fields, widths) = (4 * palette.colors, [decoderWidths[decoderWidths.count - 1]] + superResolutionWidths)
      return zip(widths, superResolutionWidths).reduce(0) { sum, level in
        sum + 9 * level.1 * (4 * (level.0 + fields) + level.1 + fields)
      }
    }
  }

  /// The palette head of a decoder (`PaletteDecoder`).
  public struct Palette: ModelConfiguration, Equatable {
    /// K, the number of logits and colors per position, 1…64.
    public var colors: Int
    /// Upsampling factor from the fields to the base size: a power of two, at most 64.
    public var enlargement: Int
    /// Factor of the logits before the softmax; larger values give sharper edges.
    public var sharpness: Double
    /// Downsampling factor of the average pooling before the encoder, 1…16.
    public var encoderShrink: Int

    /// The values that a sharpness can have.
    public static let sharpnessRange = 1e-3...1e4

    /// A palette with the values of the `midi` preset, unless given.
    public init(colors: Int = 4, enlargement: Int = 8, sharpness: Double = 6, encoderShrink: Int = 2) {
      (self.colors, self.enlargement) = (colors, enlargement)
      (self.sharpness, self.encoderShrink) = (sharpness, encoderShrink)
    }

    /// Throws if a value is out of range, or if `enlargement` is no power of two.
    public func validate() throws(ConfigurationError) {
      try require("palette.colors", colors, in: 1...64)
      try require("palette.enlargement", enlargement, in: 1...64)
      if enlargement & (enlargement - 1) != 0 {
        throw ConfigurationError("palette.enlargement", enlargement, expected: "a power of two")
      }
      try require("palette.encoder_shrink", encoderShrink, in: 1...16)
      try require("palette.sharpness", sharpness, in: Self.sharpnessRange)
    }
  }

  /// Images of the base size to raw latents.
  public let encoder: Encoder
  /// Normalized latents to images of the base size: `Decoder` or `PaletteDecoder`.
  public let decoder: any LatentDecoder
  /// The levels above the base size; nil if the decoder's output is the image.
  public let superResolution: SuperResolution?
  /// The levels of a palette decoder's fields, for images above the base size; nil if it has none.
  public let fieldLevels: FieldLevels?
  /// Running mean of each latent channel, `[C]`, which normalization subtracts.
  public let latentsMean: Tensor
  /// Running standard deviation of each latent channel, `[C]`, which normalization divides by.
  public let latentsStd: Tensor
  /// The sizes that the network was built with.
  public let configuration: Configuration

  /// A new network whose latents are not normalized yet: mean 0, standard deviation 1.
  ///
  /// Traps if the configuration is invalid.
  public init(_ configuration: Configuration, _ initial: Initializer) {
    configuration.checkedOrTrap()
    self.configuration = configuration
    encoder = Encoder(configuration, initial)
    decoder =
      configuration.palette.map { PaletteDecoder(configuration, $0, initial) } ?? Decoder(configuration, initial)
    let hasLevels = !configuration.superResolutionWidths.isEmpty
    superResolution = hasLevels && configuration.palette == nil ? SuperResolution(configuration, initial) : nil
    fieldLevels = hasLevels ? configuration.palette.map { FieldLevels(configuration, $0, initial) } : nil
    latentsMean = Tensor.zeros([configuration.latentChannels])
    latentsStd = Tensor.ones([configuration.latentChannels])
  }

  /// Images `[B, 3, H, W]` in −1…1 of the base size to the encoder's output, before normalization.
  public func encodeRaw(_ pixels: Tensor) -> Tensor { encoder(pixels) }  // [B, C, h, w]

  /// Images of the output size to normalized latents.
  public func encode(_ pixels: Tensor) -> Tensor {
    let factor = configuration.superResolutionFactor
    let base = factor > 1 ? pixels.avgPool2d(factor) : pixels  // [B, 3, H / factor, W / factor]
    return normalized(encodeRaw(base.channelsLast()))
  }

  /// Raw latents, normalized to mean 0 and standard deviation 1 by the stored statistics.
  public func normalized(_ raw: Tensor) -> Tensor {
    (raw - latentsMean.reshaped([1, -1, 1, 1])) / latentsStd.reshaped([1, -1, 1, 1])
  }

  /// Normalized latents to images of the output size, `[B, 3, H, W]`, about −1…1 (not clamped).
  ///
  /// With `size` a palette decoder renders its fields at that size; other decoders' output is resized bilinearly.
  public func decode(_ latent: Tensor, size: (height: Int, width: Int)? = nil) -> Tensor {
    if let size, let palette = decoder as? PaletteDecoder {
      let fields = fields(of: latent, by: palette, height: size.height, width: size.width)
      return palette.image(of: fields, height: size.height, width: size.width)
    }
    let base = decoder(latent.channelsLast())
    let pixels = superResolution?(base).pixels ?? base.pixels
    guard let size else { return pixels }
    let (_, _, height, width) = pixels.shape4
    return pixels.resizedBilinear(
      height: size.height, width: size.width, antialias: size.height < height || size.width < width)
  }

  /// The fields `[B, 4K, h, w]` that the palette decoder `palette` renders as images of a size from normalized latents.
  ///
  /// Above the base size they are those of the super-resolution levels, if there are any.
  public func fields(of latent: Tensor, by palette: PaletteDecoder, height: Int, width: Int) -> Tensor {
    let (features, fields) = palette.trunk(latent.channelsLast())
    let (rows, columns) = (latent.shape[2] * configuration.baseFactor, latent.shape[3] * configuration.baseFactor)
    guard let fieldLevels, height > rows || width > columns else { return fields }
    return fieldLevels(features, fields)
  }
}

/// The output of a decoder: the image so far, and the features for the next level.
public struct DecoderOutput {
  /// Features at the size of the image, `[B, width, H, W]`; those of a palette decoder have the size of its fields.
  public let features: Tensor
  /// The image, `[B, 3, H, W]`, about −1…1 (not clamped).
  public let pixels: Tensor
  /// K logits, then K colors, of a palette decoder, `[B, 4K, h, w]`; nil from other decoders.
  public let fields: Tensor?

  /// An output; `fields` only from a palette decoder.
  public init(features: Tensor, pixels: Tensor, fields: Tensor? = nil) {
    self.features = features
    self.pixels = pixels
    self.fields = fields
  }
}
