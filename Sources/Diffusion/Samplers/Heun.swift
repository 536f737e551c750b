import Torch

/// Heun's method on the ODE of Karras et al., 2022 (Algorithm 1): the network is asked twice a step, but for the last.
public struct Heun: Sampler {
  public init() {}

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
