import Torch

/// What the network's output means. With x_t = α x₀ + σ ε:
public enum Prediction: String, Codable, Sendable, CaseIterable {
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
