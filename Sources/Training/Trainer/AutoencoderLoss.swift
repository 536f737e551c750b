import Foundation
import Models
import Torch

/// How far a reconstruction is from its image, and what keeps the networks in bounds.
enum AutoencoderLoss {
  /// Which differences count.
  enum Kind {
    /// `4 · MSE + 8 · MSE of the differences between neighbors + 0.2 · L1`. Squares are needed at first: the median of a
    /// small object's pixels over all scenes is the background, so that L1 alone never draws the objects.
    case early
    /// `2 · MSE + 8 · MSE of the differences + L1 + L1 of the differences at three scales`: squares have no gradient
    /// left for a haze of two levels out of 255, which is what is wrong once the objects are there.
    case late
  }

  static func loss(_ painted: Tensor, _ picture: Tensor, _ kind: Kind = .early) -> Tensor {
    let error = painted.to(.float32) - picture
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

  /// What keeps a palette decoder sound over a long run; nothing for others.
  ///
  /// Its activations grow without bound where nothing stops them, until every step shifts colors; and colors that win
  /// nowhere get no gradient, so that all of them must keep a share of the image.
  static func palettePenalty(_ painting: Painting, _ decoder: any LatentDecoder) -> Tensor? {
    guard let decoder = decoder as? PaletteDecoder, let fields = painting.fields else { return nil }
    let size = (painting.features.to(.float32).square().mean() - 4).relu() * 0.01
    return size + (0.08 - decoder.usage(of: fields)).relu().square().sum()
  }

  /// Keeps the tails of normalized latents short: what lies beyond three deviations, squared.
  static func tailPenalty(_ latents: Tensor) -> Tensor { (latents.abs() - 3).relu().square().mean() * 0.01 }

  /// Peak signal-to-noise ratio in dB of pictures in −1…1.
  static func decibels(_ painted: Tensor, _ picture: Tensor) -> Double {
    let error = withNoGrad { (painted.to(.float32).clamped(to: -1...1) - picture).square().mean().item() }
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
