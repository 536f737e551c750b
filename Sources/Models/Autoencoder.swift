import NN
import Torch

/// Pictures to latents and back: a small convolutional encoder and a bilinear decoder.
///
/// The encoder is deterministic and works at the core size; the decoder paints the core size, and super-resolution
/// levels, if any, double it further. Latents are normalised per channel by running statistics that are stored with
/// the weights: everything outside this file sees normalised latents of mean 0 and deviation 1.
public final class Autoencoder: Module {
  public struct Configuration: Codable, Sendable, Equatable {
    public var latentChannels: Int  // channels of the latent
    public var encoderPatch: Int  // side of the square of pixels that becomes one position first
    public var encoderWidths: [Int]  // per level, each half the size of the one before
    public var encoderBlocks: [Int]  // residual blocks per level
    public var decoderWidths: [Int]  // per level from the latent up, each twice the size of the one before
    public var decoderBlocks: [Int]
    public var decoderOutputWidth: Int  // width at the core size
    public var superResolutionWidths: [Int]  // one more doubling of the picture each
    public var normGroups: Int
    /// The palette head and what goes with it (no normalization, strided shortcuts); nil is the RGB decoder.
    public var palette: Palette?

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

    /// Core pixels per latent cell, along one side.
    public var coreFactor: Int {
      palette.map { $0.enlargement << (decoderWidths.count - 1) } ?? 1 << decoderWidths.count
    }

    /// Groups of the group norms in residual blocks; nil where there are none.
    var blockNormGroups: Int? { palette == nil ? normGroups : nil }

    /// Painted pixels per core pixel, along one side.
    public var superResolutionFactor: Int { 1 << superResolutionWidths.count }

    /// Painted pixels per latent cell, along one side.
    public var downsample: Int { coreFactor * superResolutionFactor }

    /// What is wrong with these numbers, or nil.
    public var problem: String? {
      if let problem = palette?.problem { return problem }
      let encoderFactor = (palette?.encoderShrink ?? 1) * encoderPatch << (encoderWidths.count - 1)
      if encoderFactor != coreFactor {
        return "the encoder shrinks \(encoderFactor) times and the decoder grows \(coreFactor) times"
      }
      if encoderWidths.count != encoderBlocks.count {
        return "encoderWidths and encoderBlocks differ in length"
      }
      if decoderWidths.count != decoderBlocks.count {
        return "decoderWidths and decoderBlocks differ in length"
      }
      if palette != nil {
        return superResolutionWidths.isEmpty ? nil : "a palette decoder has no super-resolution levels"
      }
      let widths = encoderWidths + decoderWidths + [decoderOutputWidth] + superResolutionWidths
      if let bad = widths.first(where: { $0 % normGroups != 0 }) {
        return "width \(bad) is not a multiple of normGroups \(normGroups)"
      }
      return nil
    }
  }

  /// The palette head of a decoder (`PaletteDecoder`).
  public struct Palette: Codable, Sendable, Equatable {
    public var colors: Int  // K: logits and colors per position
    public var enlargement: Int  // pixels per position of the fields, along one side: a power of two
    public var sharpness: Double  // what logits are multiplied by before the softmax
    public var encoderShrink: Int  // side of the square of pixels that is averaged before the encoder

    public init(colors: Int = 4, enlargement: Int = 8, sharpness: Double = 6, encoderShrink: Int = 2) {
      (self.colors, self.enlargement) = (colors, enlargement)
      (self.sharpness, self.encoderShrink) = (sharpness, encoderShrink)
    }

    /// What is wrong with these numbers, or nil.
    var problem: String? {
      if !(1...64).contains(colors) { return "palette.colors \(colors) is not in 1…64" }
      if !(1...64).contains(enlargement) || enlargement & (enlargement - 1) != 0 {
        return "palette.enlargement \(enlargement) is not a power of two up to 64"
      }
      if !(1...16).contains(encoderShrink) { return "palette.encoder_shrink \(encoderShrink) is not in 1…16" }
      return sharpness.isFinite && sharpness > 0 ? nil : "palette.sharpness \(sharpness) is not a positive number"
    }
  }

  public let encoder: Encoder
  public let decoder: any LatentDecoder
  public let superResolution: SuperResolution?
  public let latentsMean: Tensor  // [C]
  public let latentsStd: Tensor  // [C]
  public let configuration: Configuration

  public init(_ configuration: Configuration, _ initial: Initializer) {
    if let problem = configuration.problem { fatalError("autoencoder configuration: \(problem)") }
    self.configuration = configuration
    encoder = Encoder(configuration, initial)
    decoder =
      configuration.palette.map { PaletteDecoder(configuration, $0, initial) } ?? Decoder(configuration, initial)
    superResolution =
      configuration.superResolutionWidths.isEmpty ? nil : SuperResolution(configuration, initial)
    latentsMean = Tensor.zeros([configuration.latentChannels])
    latentsStd = Tensor.ones([configuration.latentChannels])
  }

  /// Pictures `[B, 3, H, W]` in −1…1, of the core size or larger by the super-resolution factor, to latents as the
  /// encoder makes them, before normalisation.
  public func encodeRaw(_ pixels: Tensor) -> Tensor { encoder(pixels) }  // [B, C, h, w]

  /// Pictures of the painted size to normalised latents.
  public func encode(_ pixels: Tensor) -> Tensor {
    let factor = configuration.superResolutionFactor
    let core = factor > 1 ? pixels.avgPool2d(factor) : pixels  // [B, 3, H / factor, W / factor]
    return normalised(encodeRaw(core.channelsLast()))
  }

  /// Raw latents scaled to mean 0 and deviation 1 by the stored statistics.
  public func normalised(_ raw: Tensor) -> Tensor {
    (raw - latentsMean.reshaped([1, -1, 1, 1])) / latentsStd.reshaped([1, -1, 1, 1])
  }

  /// Normalised latents to pictures of the painted size, `[B, 3, H, W]`, about −1…1 (not clamped).
  ///
  /// `size` asks for another one: a palette decoder evaluates its fields there, and any other is resized bilinearly.
  public func decode(_ latent: Tensor, size: (height: Int, width: Int)? = nil) -> Tensor {
    if let size, let palette = decoder as? PaletteDecoder {
      return palette.image(of: palette.trunk(latent.channelsLast()).fields, height: size.height, width: size.width)
    }
    let core = decoder(latent.channelsLast())
    let pixels = superResolution?(core).pixels ?? core.pixels
    guard let size else { return pixels }
    let (_, _, height, width) = pixels.shape4
    return pixels.resizedBilinear(
      height: size.height, width: size.width, antialias: size.height < height || size.width < width)
  }
}

/// A picture as it grows: what it looks like so far, and the features that the next level refines.
public struct Painting {
  public let features: Tensor  // [B, width, H, W]
  public let pixels: Tensor  // [B, 3, H, W]
  public let fields: Tensor?  // of a palette decoder, [B, 4K, h, w]

  public init(features: Tensor, pixels: Tensor, fields: Tensor? = nil) {
    self.features = features
    self.pixels = pixels
    self.fields = fields
  }
}
