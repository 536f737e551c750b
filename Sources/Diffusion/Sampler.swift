import Torch

/// The network's estimate of the parts of a noisy latent: x = α · clean + σ · noise.
public struct Estimate {
  /// The clean part x₀, `[B, C, h, w]`.
  public let clean: Tensor
  /// The noise part ε, `[B, C, h, w]`.
  public let noise: Tensor

  /// An estimate from its two parts, which have the same shape.
  public init(clean: Tensor, noise: Tensor) {
    self.clean = clean
    self.noise = noise
  }
}

/// A sampling algorithm with its history.
///
/// Every run needs a new sampler. Coefficients are in Double; the latent keeps its type, float32 or wider.
public protocol Sampler {
  /// One step from `grid.times[index]` to the next time.
  ///
  /// - Parameters:
  ///   - x: the latent `[B, C, h, w]` at `grid.times[index]`.
  ///   - index: the step, 0 ..< `grid.count`.
  ///   - grid: the times of the run.
  ///   - estimate: evaluates the network on a latent at a time.
  ///   - noise: draws new standard noise of x's shape; stochastic samplers call it once per step except the last.
  /// - Returns: x at the next time, and the estimated clean latent.
  mutating func step(
    _ x: Tensor, at index: Int, of grid: TimeGrid, estimate: (Tensor, DiffusionTime) -> Estimate,
    noise: () -> Tensor
  ) -> (x: Tensor, clean: Tensor)
  /// What the next step needs of those before: tensors of x's shape, by name.
  var history: [String: Tensor] { get }
  /// The names in `history` before step `index` of a run that began with step `start`.
  func historyNames(before index: Int, from start: Int) -> Set<String>
  /// Takes over a history before step `index`, with the names of `historyNames`; traps for others.
  mutating func restore(_ history: [String: Tensor], before index: Int, of grid: TimeGrid)
}

/// Most algorithms keep no history.
extension Sampler {
  public var history: [String: Tensor] { [:] }
  public func historyNames(before index: Int, from start: Int) -> Set<String> { [] }
  public mutating func restore(_ history: [String: Tensor], before index: Int, of grid: TimeGrid) {}
}
