import Foundation
import Torch

/// UniPC of order 2 with B(h) = eʰ − 1 on clean estimates (Zhao et al., 2023, Algorithms 1 and 2).
///
/// Each estimate first corrects the previous step and then predicts the next: one network evaluation per step.
public struct UniPC: Sampler {
  /// A previous time with the corrected latent and the estimate.
  private struct Visit {
    let time: DiffusionTime
    let x: Tensor
    let clean: Tensor
  }

  private var visits: [Visit] = []  // the last one or two, oldest first
  private var lastOrder = 0

  /// A sampler with an empty history, for one run.
  public init() {}

  /// One network evaluation: corrects `x` by the previous step's estimates, then predicts the next time without noise.
  public mutating func step(
    _ x: Tensor, at index: Int, of grid: TimeGrid, estimate: (Tensor, DiffusionTime) -> Estimate,
    noise: () -> Tensor
  ) -> (x: Tensor, clean: Tensor) {
    let (s, t) = (grid.times[index], grid.times[index + 1])
    let clean = estimate(x, s).clean
    let corrected = visits.isEmpty ? x : correct(to: s, clean: clean)
    visits = visits.suffix(1) + [Visit(time: s, x: corrected, clean: clean)]
    lastOrder = min(visits.count, grid.count - index)
    return (predict(to: t), clean)
  }

  /// The latents and estimates of the last one or two visits, numbered from the older one.
  public var history: [String: Tensor] {
    var history: [String: Tensor] = [:]
    for (number, visit) in visits.enumerated() {
      (history["x\(number)"], history["clean\(number)"]) = (visit.x, visit.clean)
    }
    return history
  }

  public func historyNames(before index: Int, from start: Int) -> Set<String> {
    Set((0..<min(2, index - start)).flatMap { ["x\($0)", "clean\($0)"] })
  }

  public mutating func restore(_ history: [String: Tensor], before index: Int, of grid: TimeGrid) {
    let count = history.count / 2
    visits = (0..<count).map { number in
      guard let x = history["x\(number)"], let clean = history["clean\(number)"] else {
        fatalError("a history of UniPC without visit \(number)")
      }
      return Visit(time: grid.times[index - count + number], x: x, clean: clean)
    }
    lastOrder = min(count, grid.count - index + 1)
  }

  /// UniP: from the last visit to time `t`.
  private func predict(to t: DiffusionTime) -> Tensor {
    let from = visits[visits.count - 1]
    let h = t.lambda - from.time.lambda
    var D = from.clean
    if lastOrder == 2 { D = D + slope(h) * 0.5 }
    return from.x * (t.sigma / from.time.sigma) - D * (t.alpha * expm1(-h))
  }

  /// UniC: repeats the step from the last visit to time `t` with the estimate at `t`.
  private func correct(to t: DiffusionTime, clean: Tensor) -> Tensor {
    let from = visits[visits.count - 1]
    let h = t.lambda - from.time.lambda
    let change = clean - from.clean
    var D = from.clean
    if lastOrder == 1 {
      D = D + change * 0.5
    } else {
      // Equation 5 for p = 2: [[1, 1], [r, 1]] ρ = (b₁, b₂), with φ₂ and φ₃ at −h over B(h).
      let B = expm1(-h)
      let phi2 = B / -h - 1
      let phi3 = phi2 / -h - 0.5
      let (b1, b2) = (phi2 / B, 2 * phi3 / B)
      let r = ratio(h)
      let rho1 = (b1 - b2) / (1 - r)
      D = D + slope(h) * rho1 + change * (b1 - rho1)
    }
    return from.x * (t.sigma / from.time.sigma) - D * (t.alpha * expm1(-h))
  }

  /// The position of the second to last visit relative to the last, in units of h; negative.
  private func ratio(_ h: Double) -> Double { (visits[0].time.lambda - visits[1].time.lambda) / h }

  /// Difference quotient of the last two estimates, for a step of h.
  private func slope(_ h: Double) -> Tensor { (visits[0].clean - visits[1].clean) / ratio(h) }
}
