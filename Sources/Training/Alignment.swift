import Data
import Models
import NN
import Torch

/// Asks the U-Net's last features what stands in every latent cell, which the renderer knows for certain.
///
/// The denoising loss alone learns the many objects slowly: they cover a small part of the picture. Naming them from
/// text and noise is the same task said plainly. The head is not part of the model (after REPA, Yu et al., 2024, with the
/// renderer's truth in the place of a pretrained network's features).
final class Alignment: Module {
  let head: Conv2d

  init(width: Int, _ initial: Initializer) {
    head = Conv2d(in: width, out: Scene.cellLabelCount, kernel: 1, initial)
  }

  /// Weighted cross-entropy of features `[B, width, h, w]` against labels `[B, h · w]`; cells of objects count fully,
  /// those of the background a tenth.
  func loss(_ features: Tensor, _ labels: Tensor) -> Tensor {
    let (B, _, h, w) = features.shape4
    let scores = head(features).to(.float32).reshaped([B, -1, h * w]).logSoftmax(dim: 1)  // [B, labels, h · w]
    let errors = -scores.gathered(1, labels.unsqueezed(1)).squeezed(1)  // [B, h · w]
    let weights = Self.isObject(labels) * 0.9 + 0.1
    return (errors * weights).sum() / weights.sum()
  }

  /// Weights of latent cells in the denoising loss, `[B, 1, h, w]`, of mean 1: `extra` more where an object stands.
  static func cellWeights(_ labels: Tensor, side: Int, extra: Double) -> Tensor {
    let weights = isObject(labels) * extra + 1
    return (weights / weights.mean()).reshaped([labels.shape[0], 1, side, side])
  }

  private static func isObject(_ labels: Tensor) -> Tensor { (labels.to(.float32) .> 0.5).to(.float32) }
}
