import Support
import Torch

/// The prediction type of the network, with x_t = α x₀ + σ ε.
public enum Prediction: String, ConfigurationChoice {
  /// The noise ε (Ho et al., 2020).
  case epsilon
  /// v = α ε − σ x₀ (Salimans & Ho 2022).
  case v = "v_prediction"
  /// The clean latent x₀.
  case sample
}

/// Conversions between x_t, x₀, ε and v, shared by loss and samplers.
extension Prediction {
  /// The clean latent x₀ of a prediction at x_t.
  public func clean(_ output: Tensor, at x: Tensor, alpha: Double, sigma: Double) -> Tensor {
    switch self {
    case .epsilon: (x - output * sigma) / alpha
    case .v: x * alpha - output * sigma
    case .sample: output
    }
  }

  /// The noise ε of a prediction at x_t.
  public func noise(_ output: Tensor, at x: Tensor, alpha: Double, sigma: Double) -> Tensor {
    switch self {
    case .epsilon: output
    case .v: x * sigma + output * alpha
    case .sample: (x - output * alpha) / sigma
    }
  }

  /// The training target; `alpha` and `sigma` are `[B, 1, 1, 1]`.
  public func target(clean: Tensor, noise: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor {
    switch self {
    case .epsilon: noise
    case .v: alpha * noise - sigma * clean
    case .sample: clean
    }
  }

  /// The weight min(SNR, limit) of the clean latent's error, converted to the prediction's error (Hang et al., 2023, §3.4).
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
  /// The clean latent and the noise of a prediction.
  ///
  /// If the clean latent is clamped, the noise is recomputed from it, so that α · clean + σ · noise is still x.
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

// Targets for progressive distillation (Salimans & Ho 2022, appendix G).

extension Prediction {
  /// The network output for a clean latent at x_t; the inverse of `clean`.
  public func output(clean: Tensor, at x: Tensor, time: DiffusionTime) -> Tensor {
    switch self {
    case .epsilon: (x - clean * time.alpha) / time.sigma
    case .v: (x * time.alpha - clean) / time.sigma
    case .sample: clean
    }
  }

  /// The output at `x` and time `s` for which one DDIM step to time `t` ends at `end`.
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
      times: stride(from: 0, through: self.count, by: count).map { times[$0] }, initialScale: initialScale,
      spacing: spacing)
  }

  private init(times: [DiffusionTime], initialScale: Double, spacing: Spacing?) {
    (self.times, self.initialScale, self.spacing) = (times, initialScale, spacing)
  }
}
