import NN
import Torch

/// Decodes normalized latents into pixels of the base size.
public protocol LatentDecoder: Module {
  /// Normalized latents `[B, C, h, w]` to an image of the base size and its features.
  func callAsFunction(_ latent: Tensor) -> DecoderOutput
}

/// A decoder that predicts smooth fields and mixes K colors per pixel.
///
/// The trunk works at 1, 2, 4, … times the latent's size. Its last level has K logits and K colors per position; these
/// fields are upsampled bilinearly to the size of the image and mixed by a softmax per pixel:
/// `rgb = Σ softmax(s · logit)ₖ · colorₖ`. A smooth field passed through a steep function has sharp edges at any scale
/// (distance fields: Green, "Improved Alpha-Tested Magnification", 2007, with K colors instead of one), so flat graphics
/// are sharp without a convolution above 1/8 of their size. All upsampling is bilinear.
///
/// There is no normalization layer: group norm has other statistics in windows than in whole images.
public final class PaletteDecoder: LatentDecoder {
  let convIn: Conv2d
  let levels: [PaletteDecoderLevel]
  let toFields: Conv2d
  let palette: Autoencoder.Palette
  /// Factor s of the logits before the softmax, 1e-3…1e4; initially that of the configuration.
  ///
  /// Latents with errors have flatter logits at edges than encoded images: a larger factor makes up for it.
  public var sharpness: Double

  init(_ c: Autoencoder.Configuration, _ palette: Autoencoder.Palette, _ initial: Initializer) {
    self.palette = palette
    sharpness = palette.sharpness
    let widths = c.decoderWidths
    convIn = Conv2d(in: c.latentChannels, out: widths[0], kernel: 3, initial)
    levels = widths.indices.map { level in
      PaletteDecoderLevel(
        from: level == 0 ? nil : widths[level - 1], width: widths[level], blocks: c.decoderBlocks[level], initial)
    }
    toFields = Conv2d(in: widths[widths.count - 1], out: 4 * palette.colors, kernel: 3, initial)
    if case .random(let generator) = initial, let bias = toFields.bias {
      // Colors start equal; logits start slightly different, to break the symmetry.
      bias.fill_(0)
      bias.narrowed(0, 0, palette.colors).normal_(std: 0.1, generator: generator)
    }
  }

  /// `[B, C, h, w]` to an image of the base size.
  public func callAsFunction(_ latent: Tensor) -> DecoderOutput {
    let (features, fields) = trunk(latent)
    let (_, _, height, width) = fields.shape4
    return DecoderOutput(
      features: features,
      pixels: image(of: fields, height: height * palette.enlargement, width: width * palette.enlargement),
      fields: fields)
  }

  /// Features of the last level, and the fields `[B, 4K, h, w]` in float32: K logits, then K colors.
  public func trunk(_ latent: Tensor) -> (features: Tensor, fields: Tensor) {
    var x = convIn(latent)
    for level in levels { x = level(x) }
    let fields = withoutAutocast(x.device) { toFields(x.silu().to(.float32)) }
    return (x, fields)
  }

  /// Renders fields as an image of any size, `[B, 3, height, width]`; edges are sharp at every size.
  ///
  /// With `rows` or `columns` only that part of it.
  public func image(
    of fields: Tensor, height: Int, width: Int, rows: Range<Int>? = nil, columns: Range<Int>? = nil
  ) -> Tensor {
    withoutAutocast(fields.device) {
      let (_, _, h, w) = fields.shape4
      var down = Self.enlargement(from: h, to: height, device: fields.device)  // [height, h]
      var across = Self.enlargement(from: w, to: width, device: fields.device)  // [width, w]
      if let rows { down = down[rows] }
      if let columns { across = across[columns] }
      let large = down.matmul(fields.contiguous()).matmul(across.transposed(0, 1))
      return large.paletteMix(colors: palette.colors, sharpness: sharpness)
    }
  }

  /// Fraction of the image that each color covers, `[K]`, computed before upsampling.
  public func usage(of fields: Tensor) -> Tensor {
    (fields.narrowed(1, 0, palette.colors) * sharpness).softmax(dim: 1).mean([0, 2, 3])
  }

  /// The matrix `[to, from]` of repeated bilinear upsampling by 2, which is smoother than one step; a last step resizes to
  /// the exact size.
  private static func enlargement(from: Int, to: Int, device: Device) -> Tensor {
    withNoGrad {
      var matrix = Tensor.zeros([1, 1, from, from])
      matrix =
        matrix
        + Tensor.arange(0, Double(from)).reshaped([1, 1, from, 1]).equal(
          Tensor.arange(0, Double(from)).reshaped([1, 1, 1, from]))
      var size = from
      while 2 * size <= to {
        size *= 2
        matrix = matrix.resizedBilinear(height: size, width: from)
      }
      if size != to { matrix = matrix.resizedBilinear(height: to, width: from, antialias: to < size) }
      return matrix.reshaped([to, from]).to(device)
    }
  }
}

extension Tensor {
  /// 1 where two tensors are equal, else 0, float32.
  fileprivate func equal(_ other: Tensor) -> Tensor { (self .== other).to(.float32) }

  /// `[B, C, h, w]` with `count` channels: groups averaged, or each channel repeated; one divides the other.
  func channelsMatched(to count: Int) -> Tensor {
    let (batch, channels, height, width) = shape4
    if channels == count { return self }
    if channels > count { return reshaped([batch, count, channels / count, height, width]).mean([2]) }
    return repeatInterleaved(count / channels, dim: 1)
  }
}

/// An optional upsampling by 2, then residual blocks.
///
/// The upsampling is a convolution followed by bilinear interpolation, plus a parameter-free shortcut that moves channels
/// to 2×2 positions (DC-AE, arXiv 2410.10733).
final class PaletteDecoderLevel: Module {
  let up: Conv2d?
  let blocks: [ConvolutionBlock]
  let width: Int

  init(from previous: Int?, width: Int, blocks: Int, _ initial: Initializer) {
    up = previous.map { Conv2d(in: $0, out: width, kernel: 3, initial) }
    self.blocks = (0..<blocks).map { _ in ConvolutionBlock(width, groups: nil, initial) }
    self.width = width
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    checkpointed([x]) { [self] inputs in blocks.reduce(enlarged(inputs[0])) { $1($0) } }
  }

  private func enlarged(_ x: Tensor) -> Tensor {
    guard let up else { return x }
    return doubled(up(x)) + x.pixelShuffle(2).channelsMatched(to: width)
  }
}
