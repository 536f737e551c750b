import Torch

/// What the network, asked at one time, says a noisy latent is made of: x = α · clean + σ · noise.
public struct Estimate {
  public let clean: Tensor  // [B, C, h, w]
  public let noise: Tensor  // [B, C, h, w]

  public init(clean: Tensor, noise: Tensor) {
    self.clean = clean
    self.noise = noise
  }
}

/// One sampling algorithm, with the history that it needs.
///
/// A new run wants a new sampler. Coefficients are in Double; the latent keeps its type, float32 or wider.
public protocol Sampler {
  /// Carries x from `grid.times[index]` to the next time.
  ///
  /// - Parameters:
  ///   - x: the latent `[B, C, h, w]` at `grid.times[index]`.
  ///   - index: the step, 0 ..< `grid.count`.
  ///   - grid: the times that the run visits.
  ///   - estimate: asks the network about a latent at a time.
  ///   - noise: draws fresh standard noise of x's shape; stochastic samplers call it once a step, but for the last.
  /// - Returns: x at the next time, and the clean latent that was estimated on the way.
  mutating func step(
    _ x: Tensor, at index: Int, of grid: TimeGrid, estimate: (Tensor, DiffusionTime) -> Estimate,
    noise: () -> Tensor
  ) -> (x: Tensor, clean: Tensor)
}
