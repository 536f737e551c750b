import Foundation
import Torch

/// DPM-Solver++(2M), midpoint (Lu et al., 2022, Algorithm 2): one network evaluation per step.
///
/// The first step and the step to the clean latent are of first order, and so is the last of fewer than 15 steps.
public struct DPMSolverMultistep: Sampler {
  private var last: (time: DiffusionTime, clean: Tensor)?

  /// A sampler with an empty history, for one run.
  public init() {}

  /// One network evaluation; uses the clean estimate of the previous step and draws no noise.
  public mutating func step(
    _ x: Tensor, at index: Int, of grid: TimeGrid, estimate: (Tensor, DiffusionTime) -> Estimate,
    noise: () -> Tensor
  ) -> (x: Tensor, clean: Tensor) {
    let (s, t) = (grid.times[index], grid.times[index + 1])
    let clean = estimate(x, s).clean
    let h = t.lambda - s.lambda
    var D = clean
    let isLast = index == grid.count - 1
    if let last, t.sigma > 0, !isLast || grid.count >= 15 {
      let r = (s.lambda - last.time.lambda) / h
      D = clean + (clean - last.clean) / (2 * r)
    }
    last = (s, clean)
    return (x * (t.sigma / s.sigma) - D * (t.alpha * expm1(-h)), clean)
  }

  /// The clean estimate of the step before.
  public var history: [String: Tensor] { last.map { ["clean": $0.clean] } ?? [:] }

  public func historyNames(before index: Int, from start: Int) -> Set<String> { index > start ? ["clean"] : [] }

  public mutating func restore(_ history: [String: Tensor], before index: Int, of grid: TimeGrid) {
    last = history["clean"].map { (grid.times[index - 1], $0) }
  }
}

/// DPM-Solver++(2S), midpoint (Lu et al., 2022, Algorithm 1) over pairs of grid steps.
///
/// The first step of a pair is of first order; the second starts again at the start of the pair and uses both estimates.
/// The step to the clean latent is of first order, and so is a step without a first half, such as the first of an
/// image-to-image run.
public struct DPMSolverSinglestep: Sampler {
  private var pair: (start: Int, x: Tensor, clean: Tensor)?

  /// A sampler with an empty history, for one run.
  public init() {}

  /// One network evaluation: the first or the second half of a pair of grid steps, without noise.
  public mutating func step(
    _ x: Tensor, at index: Int, of grid: TimeGrid, estimate: (Tensor, DiffusionTime) -> Estimate,
    noise: () -> Tensor
  ) -> (x: Tensor, clean: Tensor) {
    let (s, t) = (grid.times[index], grid.times[index + 1])
    let clean = estimate(x, s).clean
    if let pair, !index.isMultiple(of: 2), t.sigma > 0 {
      let first = grid.times[pair.start]
      let h = t.lambda - first.lambda
      let r = (s.lambda - first.lambda) / h
      let D = pair.clean + (clean - pair.clean) / (2 * r)
      self.pair = nil
      return (pair.x * (t.sigma / first.sigma) - D * (t.alpha * expm1(-h)), clean)
    }
    pair = (index, x, clean)
    return (x * (t.sigma / s.sigma) - clean * (t.alpha * expm1(s.lambda - t.lambda)), clean)
  }

  /// The latent and the estimate at the start of a pair whose first half is done.
  public var history: [String: Tensor] { pair.map { ["x": $0.x, "clean": $0.clean] } ?? [:] }

  /// A second half ends its pair; a run that begins with one begins a pair there.
  public func historyNames(before index: Int, from start: Int) -> Set<String> {
    index > start && (!index.isMultiple(of: 2) || index == start + 1) ? ["x", "clean"] : []
  }

  public mutating func restore(_ history: [String: Tensor], before index: Int, of grid: TimeGrid) {
    guard let x = history["x"], let clean = history["clean"] else { return pair = nil }
    pair = (index - 1, x, clean)
  }
}
