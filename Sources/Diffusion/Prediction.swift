import Support
import Torch

/// What the network's output means. With x_t = α x₀ + σ ε:
public enum Prediction: String, ConfigurationChoice {
  /// The noise ε (Ho et al., 2020).
  case epsilon
  /// v = α ε − σ x₀ (Salimans & Ho 2022).
  case v = "v_prediction"
  /// The clean latent x₀.
  case sample
}

/// The algebra between x_t, x₀, ε and v: the one place that loss and samplers share.
extension Prediction {
  /// The clean latent that a prediction at x_t implies.
  public func clean(_ output: Tensor, at x: Tensor, alpha: Double, sigma: Double) -> Tensor {
    switch self {
    case .epsilon: (x - output * sigma) / alpha
    case .v: x * alpha - output * sigma
    case .sample: output
    }
  }

  /// The noise that a prediction at x_t implies.
  public func noise(_ output: Tensor, at x: Tensor, alpha: Double, sigma: Double) -> Tensor {
    switch self {
    case .epsilon: output
    case .v: x * sigma + output * alpha
    case .sample: (x - output * alpha) / sigma
    }
  }

  /// What the network should have said; `alpha` and `sigma` are `[B, 1, 1, 1]`.
  public func target(clean: Tensor, noise: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor {
    switch self {
    case .epsilon: noise
    case .v: alpha * noise - sigma * clean
    case .sample: clean
    }
  }

  /// min(SNR, limit) on the error of the clean latent, said of the error of what is predicted (Hang et al., 2023, §3.4).
  ///
  /// With SNR = α²/σ², errors of ε are those of x₀ times α/σ, and errors of v those of x₀ over σ.
  public func minSNRWeight(alpha: Double, sigma: Double, limit: Double) -> Double {
    let snr = alpha * alpha / (sigma * sigma)
    return switch self {
    case .epsilon: min(snr, limit) / snr
    case .v: min(snr, limit) * sigma * sigma
    case .sample: min(snr, limit)
    }
  }
}

extension Prediction {
  /// Both parts of x that a prediction implies.
  ///
  /// When the clean part is clamped the noise is re-derived from it, so that α · clean + σ · noise is x still.
  public func estimate(
    _ output: Tensor, at x: Tensor, time: DiffusionTime, cleanRange: ClosedRange<Double>? = nil
  ) -> Estimate {
    let (alpha, sigma) = (time.alpha, time.sigma)
    let clean = clean(output, at: x, alpha: alpha, sigma: sigma)
    guard let cleanRange else {
      return Estimate(clean: clean, noise: noise(output, at: x, alpha: alpha, sigma: sigma))
    }
    let clamped = clean.clamped(to: cleanRange)
    return Estimate(clean: clamped, noise: (x - clamped * alpha) / sigma)
  }
}

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
