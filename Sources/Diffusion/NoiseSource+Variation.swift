import Foundation
import Torch

extension NoiseSource {
  /// The next noise of every image, led towards that of `other` by spherical interpolation; `[B, C, h, w]`.
  ///
  /// - Parameters:
  ///   - other: a source for as many images of the same shape; its next noise is drawn too.
  ///   - strength: 0 is this source's own noise, 1 the other's, both to the bit.
  public func next(towards other: NoiseSource, strength: Double) -> Tensor {
    let (own, others) = (next(), other.next())
    return Tensor.cat(
      (0..<own.shape[0]).map { Self.slerp(own[$0..<$0 + 1], others[$0..<$0 + 1], strength) }, dim: 0)
  }

  /// Spherical interpolation (Shoemake, 1985) between two tensors as single vectors; linear where they are parallel.
  ///
  /// Between independent noises the norm is kept, which linear interpolation shrinks.
  static func slerp(_ a: Tensor, _ b: Tensor, _ weight: Double) -> Tensor {
    let (x, y) = (a.to(.float64), b.to(.float64))
    let cosine = (x * y).sum().item() / (x.square().sum().item() * y.square().sum().item()).squareRoot()
    guard abs(cosine) < 0.9995 else { return a * (1 - weight) + b * weight }
    let angle = acos(cosine)
    return a * (sin((1 - weight) * angle) / sin(angle)) + b * (sin(weight * angle) / sin(angle))
  }
}
