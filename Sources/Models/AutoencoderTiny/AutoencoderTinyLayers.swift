import NN
import Torch

/// A step of a list of layers; those without weights are there since diffusers counts them.
protocol TinyLayer: Module {
  func callAsFunction(_ x: Tensor) -> Tensor
}

extension Conv2d: TinyLayer {}

/// The encoder or the decoder: layers one after the other.
final class TinyCoder: Module {
  let layers: [any TinyLayer]

  init(encoder c: AutoencoderTiny.Configuration, _ initial: Initializer) {
    let width = c.encoderBlockOutChannels[0]
    var layers: [any TinyLayer] = []
    for (level, blocks) in c.numEncoderBlocks.enumerated() {
      layers.append(
        level == 0
          ? Conv2d(in: c.inChannels, out: width, kernel: 3, initial)
          : Conv2d(in: width, out: width, kernel: 3, stride: 2, padding: 1, bias: false, initial))
      layers += (0..<blocks).map { _ in TinyBlock(width, c.actFn, initial) }
    }
    self.layers = layers + [Conv2d(in: width, out: c.latentChannels, kernel: 3, initial)]
  }

  init(decoder c: AutoencoderTiny.Configuration, _ initial: Initializer) {
    let width = c.decoderBlockOutChannels[0]
    var layers: [any TinyLayer] = [
      Conv2d(in: c.latentChannels, out: width, kernel: 3, initial), TinyActivation(c.actFn),
    ]
    for (level, blocks) in c.numDecoderBlocks.enumerated() {
      let isLast = level + 1 == c.numDecoderBlocks.count
      layers += (0..<blocks).map { _ in TinyBlock(width, c.actFn, initial) }
      if !isLast { layers.append(TinyUpsample()) }
      layers.append(Conv2d(in: width, out: isLast ? c.outChannels : width, kernel: 3, bias: isLast, initial))
    }
    self.layers = layers
  }

  func callAsFunction(_ x: Tensor) -> Tensor { layers.reduce(x.channelsLast()) { $1($0) } }
}

/// A residual block: three 3×3 convolutions with activations between them, added to the input, and ReLU.
final class TinyBlock: TinyLayer {
  let conv: [any TinyLayer]

  init(_ width: Int, _ activation: Activation, _ initial: Initializer) {
    func layer() -> Conv2d { Conv2d(in: width, out: width, kernel: 3, initial) }
    conv = [layer(), TinyActivation(activation), layer(), TinyActivation(activation), layer()]
  }

  func callAsFunction(_ x: Tensor) -> Tensor { (x + conv.reduce(x) { $1($0) }).relu() }
}

/// An activation as a layer.
final class TinyActivation: TinyLayer {
  let activation: Activation
  init(_ activation: Activation) { self.activation = activation }
  func callAsFunction(_ x: Tensor) -> Tensor { activation(x) }
}

/// Nearest-neighbor upsampling by 2 as a layer.
final class TinyUpsample: TinyLayer {
  func callAsFunction(_ x: Tensor) -> Tensor {
    let (_, _, height, width) = x.shape4
    return x.resizedNearest(height: 2 * height, width: 2 * width)
  }
}
