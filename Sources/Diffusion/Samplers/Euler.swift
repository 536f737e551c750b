import Torch

/// Euler's method on the ODE dx̂/dσ̂ = ε of Karras et al., 2022, where x̂ = x/α and σ̂ = σ/α.
///
/// x̂ + ε (σ̂ₜ − σ̂ₛ) is x₀ + ε σ̂ₜ; this form avoids cancellation at noise levels in the thousands.
public struct Euler: Sampler {
  /// A sampler for one run; it keeps no history.
  public init() {}

  /// One network evaluation, without noise.
  public mutating func step(
    _ x: Tensor, at index: Int, of grid: TimeGrid, estimate: (Tensor, DiffusionTime) -> Estimate,
    noise: () -> Tensor
  ) -> (x: Tensor, clean: Tensor) {
    let t = grid.times[index + 1]
    let here = estimate(x, grid.times[index])
    return ((here.clean + here.noise * t.noiseLevel) * t.alpha, here.clean)
  }
}

/// Euler's method to below the next noise level, then new noise up to it ("Euler a" of k-diffusion).
public struct EulerAncestral: Sampler {
  /// A sampler for one run; it keeps no history.
  public init() {}

  /// One network evaluation; draws noise in every step except the last.
  public mutating func step(
    _ x: Tensor, at index: Int, of grid: TimeGrid, estimate: (Tensor, DiffusionTime) -> Estimate,
    noise: () -> Tensor
  ) -> (x: Tensor, clean: Tensor) {
    let (s, t) = (grid.times[index], grid.times[index + 1])
    let here = estimate(x, s)
    let ratio = t.noiseLevel / s.noiseLevel
    let up = t.noiseLevel * (1 - ratio * ratio).squareRoot()
    let down = t.noiseLevel * ratio
    let reached = here.clean + here.noise * down
    return ((up > 0 ? reached + noise() * up : reached) * t.alpha, here.clean)
  }
}

/// Heun's method on the ODE of Karras et al., 2022 (Algorithm 1): two network evaluations per step except the last.
public struct Heun: Sampler {
  /// A sampler for one run; it keeps no history.
  public init() {}

  /// Two network evaluations, or one in the step to the clean latent, without noise.
  public mutating func step(
    _ x: Tensor, at index: Int, of grid: TimeGrid, estimate: (Tensor, DiffusionTime) -> Estimate,
    noise: () -> Tensor
  ) -> (x: Tensor, clean: Tensor) {
    let (s, t) = (grid.times[index], grid.times[index + 1])
    let here = estimate(x, s)
    let euler = (here.clean + here.noise * t.noiseLevel) * t.alpha
    guard t.sigma > 0 else { return (euler, here.clean) }
    let slope = estimate(euler, t).noise
    let correction = t.alpha * (t.noiseLevel - s.noiseLevel) / 2
    return (euler + (slope - here.noise) * correction, here.clean)
  }
}
