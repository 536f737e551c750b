import NN
import Torch

/// A residual block with time embedding (`ResnetBlock2D`).
final class ResnetBlock: Module {
  let norm1: GroupNorm
  let conv1: Conv2d
  let timeEmbProj: Linear
  let norm2: GroupNorm
  let conv2: Conv2d
  let convShortcut: Conv2d?
  let activation: Activation

  init(_ c: UNet.Configuration, in inputs: Int, out outputs: Int, embedding: Int, _ initial: Initializer) {
    norm1 = GroupNorm(groups: c.normNumGroups, channels: inputs, eps: c.normEps)
    conv1 = Conv2d(in: inputs, out: outputs, kernel: 3, initial)
    timeEmbProj = Linear(in: embedding, out: outputs, initial)
    norm2 = GroupNorm(groups: c.normNumGroups, channels: outputs, eps: c.normEps)
    conv2 = Conv2d(in: outputs, out: outputs, kernel: 3, initial)
    convShortcut = inputs == outputs ? nil : Conv2d(in: inputs, out: outputs, kernel: 1, initial)
    activation = c.actFn
  }

  /// `time` is already activated: all blocks share it.
  func callAsFunction(_ x: Tensor, _ time: Tensor) -> Tensor {
    let hidden = conv1(norm1(x, then: activation))
    return conv2(norm2(hidden, shift: timeEmbProj(time), then: activation), adding: convShortcut?(x) ?? x)
  }
}

/// A residual block and the attention after it, if any: the unit of gradient checkpointing.
private func layer(
  _ resnet: ResnetBlock, _ attention: Transformer2D?, _ x: Tensor, _ time: Tensor, _ context: Tensor, _ attend: Tensor?
) -> Tensor {
  checkpointed([x, time, context]) { inputs in
    let x = resnet(inputs[0], inputs[1])
    return attention?(x, inputs[2], attend) ?? x
  }
}

/// A down level: residual blocks, each followed by attention if the level has it, then downsampling.
final class DownBlock: Module {
  let resnets: [ResnetBlock]
  let attentions: [Transformer2D]
  let downsamplers: [Downsample]

  init(
    _ c: UNet.Configuration, level: Int, in inputs: Int, embedding: Int, downsamples: Bool,
    _ initial: Initializer
  ) {
    let width = c.blockOutChannels[level]
    let layers = c.layersPerBlock[level]
    resnets = (0..<layers).map {
      ResnetBlock(c, in: $0 == 0 ? inputs : width, out: width, embedding: embedding, initial)
    }
    attentions =
      c.downBlockTypes[level] == .crossAttention
      ? (0..<layers).map { _ in Transformer2D(c, level: level, initial) } : []
    downsamplers = downsamples ? [Downsample(width, padding: c.downsamplePadding, initial)] : []
  }

  func callAsFunction(
    _ input: Tensor, _ time: Tensor, _ context: Tensor, _ attend: Tensor?, _ skips: inout [Tensor]
  ) -> Tensor {
    var x = input
    for (index, resnet) in resnets.enumerated() {
      x = layer(resnet, attentions.isEmpty ? nil : attentions[index], x, time, context, attend)
      skips.append(x)
    }
    for downsampler in downsamplers {
      x = downsampler(x)
      skips.append(x)
    }
    return x
  }
}

/// The middle: a residual block, then attention and another residual block if it has attention.
final class MidBlock: Module {
  let resnets: [ResnetBlock]
  let attentions: [Transformer2D]

  init(_ c: UNet.Configuration, _ type: UNet.Configuration.MidBlock, embedding: Int, _ initial: Initializer) {
    let level = c.blockOutChannels.count - 1
    let width = c.blockOutChannels[level]
    let attends = type == .crossAttention
    resnets = (0..<(attends ? 2 : 1)).map { _ in
      ResnetBlock(c, in: width, out: width, embedding: embedding, initial)
    }
    attentions = attends ? [Transformer2D(c, level: level, initial)] : []
  }

  func callAsFunction(_ input: Tensor, _ time: Tensor, _ context: Tensor, _ attend: Tensor?) -> Tensor {
    let x = layer(resnets[0], attentions.first, input, time, context, attend)
    return resnets.dropFirst().reduce(x) { layer($1, nil, $0, time, context, attend) }
  }
}

/// An up level: residual blocks with skip connections, then upsampling.
final class UpBlock: Module {
  let resnets: [ResnetBlock]
  let attentions: [Transformer2D]
  let upsamplers: [Upsample]

  /// - Parameters:
  ///   - skip: width of the level above, the skip connection of the last block.
  ///   - previous: width of the level below, the input of the first block.
  init(
    _ c: UNet.Configuration, step: Int, level: Int, skip: Int, previous: Int, embedding: Int, upsamples: Bool,
    _ initial: Initializer
  ) {
    let width = c.blockOutChannels[level]
    let layers = c.layersPerBlock[level] + 1
    resnets = (0..<layers).map { index in
      let inputs = (index == 0 ? previous : width) + (index == layers - 1 ? skip : width)
      return ResnetBlock(c, in: inputs, out: width, embedding: embedding, initial)
    }
    attentions =
      c.upBlockTypes[step] == .crossAttention
      ? (0..<layers).map { _ in Transformer2D(c, level: level, initial) } : []
    upsamplers = upsamples ? [Upsample(width, initial)] : []
  }

  func callAsFunction(
    _ input: Tensor, _ time: Tensor, _ context: Tensor, _ attend: Tensor?, _ skips: inout [Tensor]
  ) -> Tensor {
    var x = input
    for (index, resnet) in resnets.enumerated() {
      x = Tensor.cat([x, skips.removeLast()], dim: 1)
      x = layer(resnet, attentions.isEmpty ? nil : attentions[index], x, time, context, attend)
    }
    for upsampler in upsamplers {
      let (_, _, height, width) = skips[skips.count - 1].shape4  // not always twice: odd sizes were rounded up
      x = upsampler(x, height: height, width: width)
    }
    return x
  }
}

/// Downsampling by a convolution with stride 2.
final class Downsample: Module {
  let conv: Conv2d
  let padding: Int

  init(_ width: Int, padding: Int, _ initial: Initializer) {
    conv = Conv2d(in: width, out: width, kernel: 3, stride: 2, padding: padding, initial)
    self.padding = padding
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    guard padding == 0 else { return conv(x) }
    let (_, _, height, width) = x.shape4
    // A single row or column needs two more to fill the kernel; its half is one, too.
    return conv(x.padded(left: 0, right: width == 1 ? 2 : 1, top: 0, bottom: height == 1 ? 2 : 1))
  }
}

/// Nearest-neighbor upsampling, then a convolution.
final class Upsample: Module {
  let conv: Conv2d

  init(_ width: Int, _ initial: Initializer) { conv = Conv2d(in: width, out: width, kernel: 3, initial) }

  func callAsFunction(_ x: Tensor, height: Int, width: Int) -> Tensor {
    conv(x.resizedNearest(height: height, width: width))
  }
}
