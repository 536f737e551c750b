import NN
import Torch

/// Super-resolution levels of a palette decoder, each of which doubles the resolution of its fields.
///
/// Whatever the fields' resolution, they are rendered at any size, so the levels need no convolution at the size of the
/// image: what they add are the details that a cell of 8 pixels cannot hold.
public final class FieldLevels: Module {
  let levels: [FieldLevel]

  init(_ c: Autoencoder.Configuration, _ palette: Autoencoder.Palette, _ initial: Initializer) {
    let widths = [c.decoderWidths[c.decoderWidths.count - 1]] + c.superResolutionWidths
    levels = c.superResolutionWidths.indices.map {
      FieldLevel(from: widths[$0], width: widths[$0 + 1], fields: 4 * palette.colors, initial)
    }
  }

  /// Features and fields of `PaletteDecoder.trunk` to the fields `[B, 4K, 2ⁿh, 2ⁿw]` of n levels, in float32.
  public func callAsFunction(_ features: Tensor, _ fields: Tensor) -> Tensor {
    levels.reduce((features, fields)) { $1($0.0, $0.1) }.1
  }
}

/// One level: a convolution whose channels become 2×2 positions, a residual convolution, and what is added to the
/// bilinearly doubled fields; a new level adds nothing.
final class FieldLevel: Module {
  let up: Conv2d
  let conv: Conv2d
  let toFields: Conv2d

  init(from previous: Int, width: Int, fields: Int, _ initial: Initializer) {
    up = Conv2d(in: previous + fields, out: 4 * width, kernel: 3, initial)
    conv = Conv2d(in: width, out: width, kernel: 3, initial)
    toFields = Conv2d(in: width, out: fields, kernel: 3, initial).zeroed()
  }

  func callAsFunction(_ features: Tensor, _ fields: Tensor) -> (features: Tensor, fields: Tensor) {
    let x = checkpointed([features, fields]) { [self] inputs in
      let x = up(Tensor.cat([inputs[0].silu(), inputs[1].to(inputs[0].dtype)], dim: 1)).pixelShuffle(2)
      return x + conv(x.silu())  // [B, width, 2h, 2w]
    }
    return withoutAutocast(x.device) { (x, doubled(fields) + toFields(x.silu().to(.float32))) }
  }
}
