import Torch

/// Denoising diffusion implicit models (Song et al., 2021, equation 12).
public struct DDIM: Sampler {
  /// The share of ancestral noise, 0 (deterministic) … 1.
  public let eta: Double

  /// A sampler with the given `eta`; traps unless it is in 0…1.
  public init(eta: Double = 0) {
    guard (0...1).contains(eta) else { fatalError("eta \(eta) is outside 0…1") }
    self.eta = eta
  }

  /// One network evaluation; draws noise only if `eta` is above 0.
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

/// Denoising diffusion probabilistic models (Ho et al., 2020, Algorithm 2) with the smaller variance, β̃.
///
/// On a coarser grid the β of each step is re-derived from the two ᾱ it joins (Nichol & Dhariwal 2021, Section 4).
public struct DDPM: Sampler {
  /// A sampler for one run; it keeps no history.
  public init() {}

  /// One network evaluation; draws noise in every step except the last.
  public mutating func step(
    _ x: Tensor, at index: Int, of grid: TimeGrid, estimate: (Tensor, DiffusionTime) -> Estimate,
    noise: () -> Tensor
  ) -> (x: Tensor, clean: Tensor) {
    let (s, t) = (grid.times[index], grid.times[index + 1])
    let clean = estimate(x, s).clean
    // Equation 7: the mean of x_t given x_s and x₀.
    let kept = s.alpha / t.alpha
    let beta = 1 - kept * kept
    let variance = s.sigma * s.sigma
    let mean = clean * (t.alpha * beta / variance) + x * (kept * t.sigma * t.sigma / variance)
    guard t.sigma > 0 else { return (mean, clean) }
    return (mean + noise() * (t.sigma / s.sigma * beta.squareRoot()), clean)
  }
}
