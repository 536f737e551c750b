import NN
import Torch

/// Texts as the U-Net reads them, one row a text.
public struct TextConditioning {
  /// The input of cross-attention, `[B, N, D]`.
  public var context: Tensor
  /// `[B, N]`, float, 1 where there is a token.
  public var mask: Tensor
  /// The mean of the context over the tokens, `[B, D]`, which joins the time embedding.
  public var pooled: Tensor
  /// The image's sizes for a U-Net with `text_time`, `[B, 6]`, float32; see `UNet.callAsFunction`.
  public var sizes: Tensor?
  /// The guidance scale less 1 for a U-Net that imitates guidance, `[B]`, float32.
  public var guidance: Tensor?

  /// Conditioning from its tensors, which have the same number of rows.
  public init(context: Tensor, mask: Tensor, pooled: Tensor, sizes: Tensor? = nil, guidance: Tensor? = nil) {
    (self.context, self.mask, self.pooled) = (context, mask, pooled)
    (self.sizes, self.guidance) = (sizes, guidance)
  }

  /// Number of texts.
  public var count: Int { context.shape[0] }

  /// Whether no number is NaN or infinite.
  public var allFinite: Bool { context.allFinite && pooled.allFinite }

  /// The same tensors after `change`, such as another type or other rows; sizes and guidance stay float32.
  public func map(_ change: (Tensor) -> Tensor) -> TextConditioning {
    // Half precision has no 1027: a change of type leaves these numbers as they are, on the new device.
    func exact(_ numbers: Tensor) -> Tensor {
      let changed = change(numbers)
      return changed.dtype == numbers.dtype ? changed : numbers.to(changed.device)
    }
    return TextConditioning(
      context: change(context), mask: change(mask), pooled: change(pooled), sizes: sizes.map(exact),
      guidance: guidance.map(exact))
  }

  /// Some of the texts.
  public subscript(rows: Range<Int>) -> TextConditioning { map { $0[rows] } }

  /// A single text for each of `count` images, without copying it.
  public func expanded(to count: Int) -> TextConditioning { map { $0.expanded([count] + $0.shape.dropFirst()) } }

  /// The texts of all parts, in order; the parts are padded to equally many tokens.
  public static func cat(_ parts: [TextConditioning]) -> TextConditioning {
    func joined(_ part: (TextConditioning) -> Tensor?) -> Tensor? {
      let tensors = parts.compactMap(part)
      guard tensors.isEmpty || tensors.count == parts.count else {
        fatalError("some texts have sizes or a guidance, others have none")
      }
      return tensors.isEmpty ? nil : Tensor.cat(tensors)
    }
    return TextConditioning(
      context: Tensor.cat(parts.map(\.context)), mask: Tensor.cat(parts.map(\.mask)),
      pooled: Tensor.cat(parts.map(\.pooled)), sizes: joined(\.sizes), guidance: joined(\.guidance))
  }
}

extension UNet {
  /// Predicts from noisy latents `[B, C, h, w]` at the timesteps `[B]` under one text each.
  public func callAsFunction(_ latents: Tensor, at timesteps: Tensor, _ text: TextConditioning) -> Tensor {
    predict(features(latents, at: timesteps, text))
  }

  /// The last features before that prediction, `[B, blockOutChannels[0], h, w]`.
  public func features(_ latents: Tensor, at timesteps: Tensor, _ text: TextConditioning) -> Tensor {
    features(
      latents.channelsLast(), timesteps: timesteps, context: text.context, contextMask: text.mask,
      classLabels: text.pooled, sizes: text.sizes, guidance: text.guidance)
  }
}
