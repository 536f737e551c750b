import Foundation
import Torch

/// DPM-Solver++(2M), midpoint (Lu et al., 2022, Algorithm 2): one question a step, the last answer remembered.
///
/// The first step and the one to no noise at all are of first order.
public struct DPMSolverMultistep: Sampler {
  private var last: (time: DiffusionTime, clean: Tensor)?

  public init() {}

  public mutating func step(
    _ x: Tensor, at index: Int, of grid: TimeGrid, estimate: (Tensor, DiffusionTime) -> Estimate,
    noise: () -> Tensor
  ) -> (x: Tensor, clean: Tensor) {
    let (s, t) = (grid.times[index], grid.times[index + 1])
    let clean = estimate(x, s).clean
    let h = t.lambda - s.lambda
    var D = clean
    if let last, t.sigma > 0 {
      let r = (s.lambda - last.time.lambda) / h
      D = clean + (clean - last.clean) / (2 * r)
    }
    last = (s, clean)
    return (x * (t.sigma / s.sigma) - D * (t.alpha * expm1(-h)), clean)
  }
}
