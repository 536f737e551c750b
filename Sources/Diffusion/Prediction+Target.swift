import Torch

// What a student has to say in one step to get where its teacher gets in several (Salimans & Ho 2022, appendix G).

extension Prediction {
  /// The network's output that a clean latent at x_t stands for; the inverse of `clean`.
  public func output(clean: Tensor, at x: Tensor, time: DiffusionTime) -> Tensor {
    switch self {
    case .epsilon: (x - clean * time.alpha) / time.sigma
    case .v: (x * time.alpha - clean) / time.sigma
    case .sample: clean
    }
  }

  /// The output at `x` and time `s` whose one DDIM step to time `t` ends at `end`.
  public func target(landingAt end: Tensor, from x: Tensor, _ s: DiffusionTime, to t: DiffusionTime) -> Tensor {
    let kept = t.sigma / s.sigma  // a DDIM step is x σ_t/σ_s + x₀ (α_t − α_s σ_t/σ_s)
    let clean = (end - x * kept) / (t.alpha - s.alpha * kept)
    return output(clean: clean, at: x, time: s)
  }
}

extension TimeGrid {
  /// The grid of whose times this one visits every `count`-th: a student's beside its teacher's.
  public func every(_ count: Int) -> TimeGrid {
    guard count > 0, self.count % count == 0 else { fatalError("\(self.count) steps are no multiple of \(count)") }
    return TimeGrid(
      times: stride(from: 0, through: self.count, by: count).map { times[$0] }, initialScale: initialScale)
  }

  private init(times: [DiffusionTime], initialScale: Double) {
    self.times = times
    self.initialScale = initialScale
  }
}
