import Flux
import NN
import Scenes
import Torch

/// Three linear heads that ask what the renderer knows for certain; none is part of the model.
///
/// The plain losses learn the many objects slowly: they cover a small part of the picture, and differ by less than
/// backgrounds do. Naming them is the same task said plainly (after REPA and REPA-E, Yu et al., 2024, and Leng et al.,
/// 2025, with the renderer's truth in the place of a pretrained network's features).
final class Alignment {
  /// Latents, to what stands in each cell: so that an object is a direction in the latent that survives noise.
  let latents: Conv2d
  /// The U-Net's last features, to the same: so that it names what it is about to draw.
  let features: Conv2d
  /// The pooled caption, to the objects of the scene: so that the adapter keeps them apart from its first steps on.
  let text: Linear

  init(_ c: ModelBundle.Configuration, labels: Int, _ initial: Initializer) {
    features = Conv2d(in: c.unet.blockOutChannels[0], out: labels, kernel: 1, initial)
    latents = Conv2d(in: c.autoencoder.latentChannels, out: labels, kernel: 1, initial)
    text = Linear(in: c.adapter.width, out: labels, initial)
  }

  /// Weighted cross-entropy of a map `[B, C, h, w]` against labels `[B, h · w]`; cells of objects count fully, those of
  /// the background a tenth.
  func loss(_ map: Tensor, through head: Conv2d, _ labels: Tensor) -> Tensor {
    let (B, _, h, w) = map.shape4
    let scores = head(map).to(.float32).reshaped([B, -1, h * w]).logSoftmax(dim: 1)  // [B, labels, h · w]
    let errors = -scores.gathered(1, labels.unsqueezed(1)).squeezed(1)  // [B, h · w]
    let weights = Self.isObject(labels) * 0.9 + 0.1
    return (errors * weights).sum() / weights.sum()
  }

  /// Cross-entropy of the pooled captions `[B, D]` against the shares that objects have of the labels `[B, h · w]`.
  func textLoss(_ pooled: Tensor, _ labels: Tensor) -> Tensor {
    let scores = text(pooled).to(.float32).logSoftmax(dim: 1)  // [B, labels]
    let weights = Self.isObject(labels)
    return -(scores.gathered(1, labels) * weights).sum() / weights.sum()
  }

  /// Weights of latent cells in the denoising loss, `[B, 1, h, w]`, of mean 1: `extra` more where an object stands.
  static func cellWeights(_ labels: Tensor, side: Int, extra: Double) -> Tensor {
    let weights = isObject(labels) * extra + 1
    return (weights / weights.mean()).reshaped([labels.shape[0], 1, side, side])
  }

  private static func isObject(_ labels: Tensor) -> Tensor { (labels.to(.float32) .> 0.5).to(.float32) }
}
