import Torch

/// Denoising diffusion implicit models (Song et al., 2021, equation 12).
public struct DDIM: Sampler {
  /// How much of an ancestral step's noise is added, 0 (none: the path is an ODE's) … 1.
  public let eta: Double

  public init(eta: Double = 0) {
    guard (0...1).contains(eta) else { fatalError("eta \(eta) is outside 0…1") }
    self.eta = eta
  }

  public mutating func step(
    _ x: Tensor, at index: Int, of grid: TimeGrid, estimate: (Tensor, DiffusionTime) -> Estimate,
    noise: () -> Tensor
  ) -> (x: Tensor, clean: Tensor) {
    let (s, t) = (grid.times[index], grid.times[index + 1])
    let here = estimate(x, s)
    let kept = s.alpha / t.alpha
    let fresh = eta * t.sigma / s.sigma * (1 - kept * kept).squareRoot()  // Equation 16
    let direction = (t.sigma * t.sigma - fresh * fresh).squareRoot()
    let next = here.clean * t.alpha + here.noise * direction
    return (fresh > 0 ? next + noise() * fresh : next, here.clean)
  }
}
