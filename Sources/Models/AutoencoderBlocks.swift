import NN
import Torch

/// Encodes images into raw latents: patches, then residual levels, each at half the size.
public final class Encoder: Module {
  let convIn: Conv2d
  let levels: [EncoderLevel]
  let normOut: GroupNorm?
  let convOut: Conv2d
  let patch: Int
  let shrink: Int

  init(_ c: Autoencoder.Configuration, _ initial: Initializer) {
    patch = c.encoderPatch
    shrink = c.palette?.encoderShrink ?? 1
    convIn = Conv2d(in: 3 * patch * patch, out: c.encoderWidths[0], kernel: 3, initial)
    levels = c.encoderWidths.indices.map { level in
      EncoderLevel(
        from: level == 0 ? nil : c.encoderWidths[level - 1], width: c.encoderWidths[level],
        blocks: c.encoderBlocks[level], groups: c.blockNormGroups, hasShortcut: c.palette != nil, initial)
    }
    let last = c.encoderWidths[c.encoderWidths.count - 1]
    normOut = c.blockNormGroups.map { GroupNorm(groups: $0, channels: last) }
    convOut = Conv2d(in: last, out: c.latentChannels, kernel: 3, initial)
  }

  /// `[B, 3, H, W]` to `[B, C, H / factor, W / factor]`.
  public func callAsFunction(_ pixels: Tensor) -> Tensor {
    let seen = shrink > 1 ? pixels.avgPool2d(shrink) : pixels
    var x = convIn(seen.pixelUnshuffle(patch).channelsLast())  // [B, width, H / patch, W / patch]
    for level in levels { x = level(x) }
    return convOut((normOut?(x) ?? x).silu())
  }
}

/// An optional downsampling by 2, then residual blocks.
///
/// The downsampling may have a parameter-free shortcut: 2×2 pixels become channels, of which groups are averaged (DC-AE,
/// arXiv 2410.10733).
package final class EncoderLevel: Module {
  let down: Conv2d?
  let blocks: [ConvolutionBlock]
  let hasShortcut: Bool
  let width: Int

  package init(
    from previous: Int?, width: Int, blocks: Int, groups: Int?, hasShortcut: Bool, _ initial: Initializer
  ) {
    down = previous.map { Conv2d(in: $0, out: width, kernel: 3, stride: 2, padding: 1, initial) }
    self.blocks = (0..<blocks).map { _ in ConvolutionBlock(width, groups: groups, initial) }
    (self.hasShortcut, self.width) = (hasShortcut, width)
  }

  package func callAsFunction(_ x: Tensor) -> Tensor {
    checkpointed([x]) { [self] inputs in blocks.reduce(halved(inputs[0])) { $1($0) } }
  }

  private func halved(_ x: Tensor) -> Tensor {
    guard let down else { return x }
    return hasShortcut ? down(x) + x.pixelUnshuffle(2).channelsMatched(to: width) : down(x)
  }
}

/// Decodes normalized latents into an image of the base size.
///
/// Every level ends in a convolution at its own size followed by bilinear upsampling, a quarter of the cost of the other
/// order. Each level also outputs an image, which is upsampled and added to that of the next level (the output skips of
/// StyleGAN2, Karras et al., 2020): coarse levels determine color and position, fine levels add detail.
public final class Decoder: LatentDecoder {
  let convIn: Conv2d
  let levels: [DecoderLevel]
  let convOut: Conv2d
  let normOut: GroupNorm
  let toRGB: Conv2d

  init(_ c: Autoencoder.Configuration, _ initial: Initializer) {
    convIn = Conv2d(in: c.latentChannels, out: c.decoderWidths[0], kernel: 3, initial)
    levels = c.decoderWidths.indices.map { level in
      let next = level + 1 < c.decoderWidths.count ? c.decoderWidths[level + 1] : c.decoderOutputWidth
      return DecoderLevel(
        width: c.decoderWidths[level], next: next, blocks: c.decoderBlocks[level], groups: c.normGroups,
        initial)
    }
    convOut = Conv2d(in: c.decoderOutputWidth, out: c.decoderOutputWidth, kernel: 3, initial)
    normOut = GroupNorm(groups: c.normGroups, channels: c.decoderOutputWidth)
    toRGB = Conv2d(in: c.decoderOutputWidth, out: 3, kernel: 3, initial)
  }

  /// `[B, C, h, w]` to the image at the base size and its features.
  public func callAsFunction(_ latent: Tensor) -> DecoderOutput {
    var x = convIn(latent)
    var pixels: Tensor?
    for level in levels { (x, pixels) = level(x, pixels) }
    x = checkpointed([x]) { [self] inputs in convOut(normOut(inputs[0]).silu()) }  // [B, output width, H, W]
    let detail = checkpointed([x]) { [self] inputs in toRGB(inputs[0].silu()) }
    return DecoderOutput(features: x, pixels: pixels.map { $0 + detail } ?? detail)
  }
}

/// Residual blocks, an image output, and upsampling by 2.
final class DecoderLevel: Module {
  let blocks: [ConvolutionBlock]
  let toRGB: Conv2d
  let up: Conv2d

  init(width: Int, next: Int, blocks: Int, groups: Int, _ initial: Initializer) {
    self.blocks = (0..<blocks).map { _ in ConvolutionBlock(width, groups: groups, initial) }
    toRGB = Conv2d(in: width, out: 3, kernel: 1, initial)
    up = Conv2d(in: width, out: next, kernel: 3, initial)
  }

  func callAsFunction(_ input: Tensor, _ coarse: Tensor?) -> (Tensor, Tensor) {
    let x = checkpointed([input]) { [self] inputs in blocks.reduce(inputs[0]) { $1($0) } }
    let rgb = toRGB(x)
    let pixels = coarse.map { $0 + rgb } ?? rgb
    return (doubled(up(x)), doubled(pixels))
  }
}

/// Super-resolution levels on top of the decoder's output, each doubling the size.
public final class SuperResolution: Module {
  let levels: [SuperResolutionLevel]

  init(_ c: Autoencoder.Configuration, _ initial: Initializer) {
    let widths = [c.decoderOutputWidth] + c.superResolutionWidths
    levels = c.superResolutionWidths.indices.map {
      SuperResolutionLevel(from: widths[$0], width: widths[$0 + 1], initial)
    }
  }

  /// Applies all levels: the image and its features at 2ⁿ times the size for n levels.
  public func callAsFunction(_ base: DecoderOutput) -> DecoderOutput { levels.reduce(base) { $1($0) } }
}

/// A super-resolution level: upsampling by 2.
final class SuperResolutionLevel: Module {
  let up: Conv2d
  let conv: Conv2d
  let toRGB: Conv2d

  init(from previous: Int, width: Int, _ initial: Initializer) {
    up = Conv2d(in: previous + 3, out: width, kernel: 3, initial)
    conv = Conv2d(in: width, out: width, kernel: 3, initial)
    toRGB = Conv2d(in: width, out: 3, kernel: 3, initial).zeroed()
  }

  func callAsFunction(_ input: DecoderOutput) -> DecoderOutput {
    let seen = Tensor.cat([input.features, input.pixels], dim: 1)
    let x = doubled(up(seen)).silu()
    let features = (conv(x) + x).silu()
    return DecoderOutput(features: features, pixels: doubled(input.pixels) + toRGB(features))
  }
}

/// A residual block: twice (group norm if there are groups, SiLU, 3×3 convolution), added to the input.
package final class ConvolutionBlock: Module {
  let norm1: GroupNorm?
  let conv1: Conv2d
  let norm2: GroupNorm?
  let conv2: Conv2d

  package init(_ width: Int, groups: Int?, _ initial: Initializer) {
    norm1 = groups.map { GroupNorm(groups: $0, channels: width) }
    conv1 = Conv2d(in: width, out: width, kernel: 3, initial)
    norm2 = groups.map { GroupNorm(groups: $0, channels: width) }
    conv2 = Conv2d(in: width, out: width, kernel: 3, initial).zeroed()
  }

  package func callAsFunction(_ x: Tensor) -> Tensor {
    let hidden = conv1((norm1?(x) ?? x).silu())
    return x + conv2((norm2?(hidden) ?? hidden).silu())
  }
}

/// Bilinear upsampling by 2.
func doubled(_ x: Tensor) -> Tensor {
  let (_, _, height, width) = x.shape4
  return x.resizedBilinear(height: 2 * height, width: 2 * width)
}
