import Distributed
import Flux
import Foundation
import Models
import NN
import Scenes
import Torch

/// Three linear classification heads for auxiliary losses on object labels; none is part of the model.
///
/// The plain losses learn the many objects slowly: objects cover a small part of the image and differ less than
/// backgrounds do. The labels supervise them directly (after REPA and REPA-E, Yu et al., 2024, and Leng et al., 2025,
/// with the renderer's labels instead of a pretrained network's features).
final class Alignment {
  /// From latents to the label of each cell, so that objects are directions in the latent that survive noise.
  let latents: Conv2d
  /// From the U-Net's last features to the label of each cell.
  let features: Conv2d
  /// From the pooled caption to the objects of the scene, so that the adapter separates them early.
  let text: Linear

  init(_ c: ModelBundle.Configuration, labels: Int, _ initial: Initializer) {
    features = Conv2d(in: c.unet.blockOutChannels[0], out: labels, kernel: 1, initial)
    latents = Conv2d(in: c.autoencoder.latentChannels, out: labels, kernel: 1, initial)
    text = Linear(in: c.adapter.width, out: labels, initial)
  }

  /// Weighted cross-entropy of a map `[B, C, h, w]` against labels `[B, h · w]`; background cells have weight 0.1.
  ///
  /// Where `B` images are a part of a batch, `all` are the labels of the whole: the mean of the parts' losses is then the
  /// loss of the batch.
  func loss(_ map: Tensor, through head: Conv2d, _ labels: Tensor, among all: Tensor? = nil) -> Tensor {
    let (B, _, h, w) = map.shape4
    let scores = head(map).to(.float32).reshaped([B, -1, h * w]).logSoftmax(dim: 1)  // [B, labels, h · w]
    let errors = -scores.gathered(1, labels.unsqueezed(1)).squeezed(1)  // [B, h · w]
    func weights(_ labels: Tensor) -> Tensor { Self.isObject(labels) * 0.9 + 0.1 }
    return (errors * weights(labels)).sum() / Self.share(of: labels, among: all, weights)
  }

  /// Cross-entropy of the pooled captions `[B, D]` against the object frequencies in the labels `[B, h · w]`; `all` as in
  /// `loss`.
  func textLoss(_ pooled: Tensor, _ labels: Tensor, among all: Tensor? = nil) -> Tensor {
    let scores = text(pooled).to(.float32).logSoftmax(dim: 1)  // [B, labels]
    let total = Self.share(of: labels, among: all, Self.isObject)
    return -(scores.gathered(1, labels) * Self.isObject(labels)).sum() / total
  }

  /// The sum of the weights of a batch, times the fraction of its images that `labels` belong to.
  private static func share(of labels: Tensor, among all: Tensor?, _ weights: (Tensor) -> Tensor) -> Tensor {
    guard let all else { return weights(labels).sum() }
    return weights(all).sum() * (Double(labels.shape[0]) / Double(all.shape[0]))
  }

  /// Weights of latent cells in the denoising loss, `[B, 1, h, w]` with mean 1: cells with an object weigh 1 + `extra`.
  static func cellWeights(_ labels: Tensor, side: Int, extra: Double) -> Tensor {
    let weights = isObject(labels) * extra + 1
    return (weights / weights.mean()).reshaped([labels.shape[0], 1, side, side])
  }

  private static func isObject(_ labels: Tensor) -> Tensor { (labels.to(.float32) .> 0.5).to(.float32) }
}

/// Reconstruction losses and regularizers of the autoencoder.
enum AutoencoderLoss {
  /// The weighting of squared and absolute errors.
  enum Kind {
    /// `4 · MSE + 8 · MSE of the differences between neighbors + 0.2 · L1`. Squared errors are needed at first: the median
    /// of a small object's pixels over all scenes is the background, so with L1 alone objects never appear.
    case early
    /// `2 · MSE + 8 · MSE of the differences + L1 + L1 of the differences at three scales`: squared errors have almost no
    /// gradient for a haze of two levels out of 255, the error that remains once the objects are right.
    case late
  }

  static func loss(_ decoded: Tensor, _ image: Tensor, _ kind: Kind = .early) -> Tensor {
    let error = decoded.to(.float32) - image
    let (across, down) = differences(error)
    let edges = (across.square().mean() + down.square().mean()) * 8
    switch kind {
    case .early: return error.square().mean() * 4 + edges + error.abs().mean() * 0.2
    case .late:
      let flatness = [2, 4].reduce(across.abs().mean() + down.abs().mean()) { sum, scale in
        let (across, down) = differences(error.avgPool2d(scale))
        return sum + across.abs().mean() + down.abs().mean()
      }
      return error.square().mean() * 2 + edges + error.abs().mean() + flatness
    }
  }

  /// Regularizer that keeps a palette decoder stable over a long run; nil for other decoders.
  ///
  /// Without it the activations grow without bound, until every step shifts colors; and a color that wins nowhere gets no
  /// gradient, so every color must cover a part of the image. Both are about the images of all processes.
  static func palettePenalty(
    _ decoded: DecoderOutput, _ decoder: any LatentDecoder, group: ProcessGroup = .single
  ) -> Tensor? {
    guard let decoder = decoder as? PaletteDecoder, let fields = decoded.fields else { return nil }
    let size = (group.shared(decoded.features.to(.float32).square().mean()) - 4).relu() * 0.01
    return size + (0.08 - group.shared(decoder.usage(of: fields))).relu().square().sum()
  }

  /// Penalizes normalized latents beyond three standard deviations, squared.
  static func tailPenalty(_ latents: Tensor) -> Tensor { (latents.abs() - 3).relu().square().mean() * 0.01 }

  /// Peak signal-to-noise ratio in dB of images in −1…1.
  static func psnr(_ decoded: Tensor, _ image: Tensor) -> Double {
    let error = withNoGrad { (decoded.to(.float32).clamped(to: -1...1) - image).square().mean().item() }
    return 10 * log10(4 / max(error, 1e-12))
  }

  /// Differences between neighbors to the right and below.
  private static func differences(_ error: Tensor) -> (across: Tensor, down: Tensor) {
    let (_, _, height, width) = error.shape4
    return (
      error.narrowed(3, 1, width - 1) - error.narrowed(3, 0, width - 1),
      error.narrowed(2, 1, height - 1) - error.narrowed(2, 0, height - 1)
    )
  }
}
