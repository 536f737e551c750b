import NN
import Torch

/// Number that the autoencoder's group normalization adds to the variance; that of U-Nets is ten times larger.
private let eps = 1e-6

/// Images to features with two channels for each of the latent (`Encoder` in diffusers).
final class KLEncoder: Module {
  let convIn: Conv2d
  let downBlocks: [KLDownBlock]
  let midBlock: KLMidBlock
  let convNormOut: GroupNorm
  let convOut: Conv2d

  init(_ c: AutoencoderKL.Configuration, _ initial: Initializer) {
    let widths = c.blockOutChannels
    let last = widths[widths.count - 1]
    convIn = Conv2d(in: c.inChannels, out: widths[0], kernel: 3, initial)
    downBlocks = widths.indices.map { level in
      KLDownBlock(
        c, in: widths[max(level - 1, 0)], out: widths[level], downsamples: level + 1 < widths.count, initial)
    }
    midBlock = KLMidBlock(c, last, initial)
    convNormOut = GroupNorm(groups: c.normNumGroups, channels: last, eps: eps)
    convOut = Conv2d(in: last, out: 2 * c.latentChannels, kernel: 3, initial)
  }

  func callAsFunction(_ pixels: Tensor) -> Tensor {
    let x = midBlock(downBlocks.reduce(convIn(pixels)) { $1($0) })
    return convOut(convNormOut(x).silu())
  }
}

/// Latents to images (`Decoder` in diffusers).
final class KLDecoder: Module {
  let convIn: Conv2d
  let midBlock: KLMidBlock
  let upBlocks: [KLUpBlock]
  let convNormOut: GroupNorm
  let convOut: Conv2d

  init(_ c: AutoencoderKL.Configuration, _ initial: Initializer) {
    let widths = Array(c.blockOutChannels.reversed())
    let last = widths[widths.count - 1]
    convIn = Conv2d(in: c.latentChannels, out: widths[0], kernel: 3, initial)
    midBlock = KLMidBlock(c, widths[0], initial)
    upBlocks = widths.indices.map { level in
      KLUpBlock(c, in: widths[max(level - 1, 0)], out: widths[level], upsamples: level + 1 < widths.count, initial)
    }
    convNormOut = GroupNorm(groups: c.normNumGroups, channels: last, eps: eps)
    convOut = Conv2d(in: last, out: c.outChannels, kernel: 3, initial)
  }

  func callAsFunction(_ latents: Tensor) -> Tensor {
    let x = upBlocks.reduce(midBlock(convIn(latents))) { $1($0) }
    return convOut(convNormOut(x).silu())
  }
}

/// A level of the encoder: residual blocks, then downsampling that pads on the right and at the bottom only.
final class KLDownBlock: Module {
  let resnets: [KLResidualBlock]
  let downsamplers: [Downsample]

  init(_ c: AutoencoderKL.Configuration, in inputs: Int, out width: Int, downsamples: Bool, _ initial: Initializer) {
    resnets = (0..<c.layersPerBlock).map { KLResidualBlock(c, in: $0 == 0 ? inputs : width, out: width, initial) }
    downsamplers = downsamples ? [Downsample(width, padding: 0, initial)] : []
  }

  func callAsFunction(_ input: Tensor) -> Tensor {
    let x = resnets.reduce(input) { $1($0) }
    return downsamplers.reduce(x) { $1($0) }
  }
}

/// A level of the decoder: residual blocks, one more than the encoder's, then upsampling.
final class KLUpBlock: Module {
  let resnets: [KLResidualBlock]
  let upsamplers: [Upsample]

  init(_ c: AutoencoderKL.Configuration, in inputs: Int, out width: Int, upsamples: Bool, _ initial: Initializer) {
    resnets = (0...c.layersPerBlock).map { KLResidualBlock(c, in: $0 == 0 ? inputs : width, out: width, initial) }
    upsamplers = upsamples ? [Upsample(width, initial)] : []
  }

  func callAsFunction(_ input: Tensor) -> Tensor {
    let x = resnets.reduce(input) { $1($0) }
    let (_, _, height, width) = x.shape4
    return upsamplers.reduce(x) { $1($0, height: 2 * height, width: 2 * width) }
  }
}

/// Two residual blocks, with attention between them if the model has it.
final class KLMidBlock: Module {
  let resnets: [KLResidualBlock]
  let attentions: [KLAttention]

  init(_ c: AutoencoderKL.Configuration, _ width: Int, _ initial: Initializer) {
    resnets = (0..<2).map { _ in KLResidualBlock(c, in: width, out: width, initial) }
    attentions = c.midBlockAddAttention ? [KLAttention(width, groups: c.normNumGroups, initial)] : []
  }

  func callAsFunction(_ input: Tensor) -> Tensor {
    let x = resnets[0](input)
    return resnets[1](attentions.first?(x) ?? x)
  }
}

/// A residual block: twice (group normalization, SiLU, 3×3 convolution), added to the input.
final class KLResidualBlock: Module {
  let norm1: GroupNorm
  let conv1: Conv2d
  let norm2: GroupNorm
  let conv2: Conv2d
  let convShortcut: Conv2d?

  init(_ c: AutoencoderKL.Configuration, in inputs: Int, out width: Int, _ initial: Initializer) {
    norm1 = GroupNorm(groups: c.normNumGroups, channels: inputs, eps: eps)
    conv1 = Conv2d(in: inputs, out: width, kernel: 3, initial)
    norm2 = GroupNorm(groups: c.normNumGroups, channels: width, eps: eps)
    conv2 = Conv2d(in: width, out: width, kernel: 3, initial)
    convShortcut = inputs == width ? nil : Conv2d(in: inputs, out: width, kernel: 1, initial)
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    let hidden = conv1(norm1(x).silu())
    return (convShortcut?(x) ?? x) + conv2(norm2(hidden).silu())
  }
}

/// Self-attention with one head over the positions of a feature map, with a residual connection.
final class KLAttention: Module {
  let groupNorm: GroupNorm
  let toQ: Linear
  let toK: Linear
  let toV: Linear
  let toOut: [Linear]  // a list of one, since diffusers has a dropout after it

  init(_ width: Int, groups: Int, _ initial: Initializer) {
    func layer() -> Linear { Linear(in: width, out: width, initial) }
    groupNorm = GroupNorm(groups: groups, channels: width, eps: eps)
    (toQ, toK, toV, toOut) = (layer(), layer(), layer(), [layer()])
  }

  func callAsFunction(_ input: Tensor) -> Tensor {
    let (B, C, H, W) = input.shape4
    let x = groupNorm(input).permuted([0, 2, 3, 1]).reshaped([B, H * W, C])
    let mixed = toOut[0](Tensor.multiHeadAttention(toQ(x), toK(x), toV(x), heads: 1, attend: nil))
    return input + mixed.reshaped([B, H, W, C]).permuted([0, 3, 1, 2])
  }
}
