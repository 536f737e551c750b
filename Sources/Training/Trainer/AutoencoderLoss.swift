import Foundation
import Torch

/// How far a reconstruction is from its picture.
///
/// `4 · MSE + 8 · MSE of the differences between neighbours + 0.2 · L1`. Squares are needed: the median of a small
/// object's pixels over all scenes is the background, so that L1 alone never draws the objects.
enum AutoencoderLoss {
  static func loss(_ painted: Tensor, _ picture: Tensor) -> Tensor {
    let error = painted.to(.float32) - picture
    let (_, _, height, width) = error.shape4
    let horizontal = error.narrowed(3, 1, width - 1) - error.narrowed(3, 0, width - 1)
    let vertical = error.narrowed(2, 1, height - 1) - error.narrowed(2, 0, height - 1)
    let edges = horizontal.square().mean() + vertical.square().mean()
    return error.square().mean() * 4 + edges * 8 + error.abs().mean() * 0.2
  }

  /// Peak signal-to-noise ratio in dB of pictures in −1…1.
  static func decibels(_ painted: Tensor, _ picture: Tensor) -> Double {
    let error = withNoGrad { (painted.to(.float32).clamped(to: -1...1) - picture).square().mean().item() }
    return 10 * log10(4 / max(error, 1e-12))
  }
}
