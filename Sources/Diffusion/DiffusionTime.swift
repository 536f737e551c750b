import Foundation

/// A time of the diffusion process: the network's timestep, with α and σ of x = α x₀ + σ ε.
public struct DiffusionTime: Sendable, Equatable {
  /// The network's timestep, 0 … training timesteps − 1; fractional between two training timesteps.
  public let timestep: Double
  /// √ᾱ, the factor of the clean latent, 0 … 1.
  public let alpha: Double
  /// √(1 − ᾱ), the factor of the noise, 0 … 1.
  public let sigma: Double

  /// A time with the given values, which are not checked.
  public init(timestep: Double, alpha: Double, sigma: Double) {
    self.timestep = timestep
    self.alpha = alpha
    self.sigma = sigma
  }

  /// The time with a given noise level σ/α and α² + σ² = 1.
  public init(timestep: Double, noiseLevel: Double) {
    let alpha = 1 / (1 + noiseLevel * noiseLevel).squareRoot()
    self.init(timestep: timestep, alpha: alpha, sigma: noiseLevel * alpha)
  }

  /// The end of sampling: no noise.
  public static let clean = DiffusionTime(timestep: 0, alpha: 1, sigma: 0)

  /// The noise level σ/α: the σ of Karras et al., 2022; 0 if clean.
  public var noiseLevel: Double { sigma / alpha }

  /// λ = log(α/σ), half the log-SNR (Lu et al., 2022); infinite if clean.
  public var lambda: Double { log(alpha / sigma) }
}

extension Schedule {
  /// The time at timestep `t`, with linear interpolation of the noise level.
  public func time(at t: Double) -> DiffusionTime {
    guard t >= 0, t <= Double(count - 1) else { fatalError("time \(t) is outside 0…\(count - 1)") }
    let below = Int(t)
    let fraction = t - Double(below)
    if fraction == 0 { return DiffusionTime(timestep: t, alpha: alpha(below), sigma: sigma(below)) }
    let level = noiseLevel(below) + fraction * (noiseLevel(below + 1) - noiseLevel(below))
    return DiffusionTime(timestep: t, noiseLevel: level)
  }

  /// The timestep with noise level `level`, by linear interpolation of its logarithm, clamped to the schedule.
  public func timestep(noiseLevel level: Double) -> Double {
    // noiseLevel grows with t: find the last timestep that is not above the level.
    var (low, high) = (0, count - 1)
    while low + 1 < high {
      let middle = (low + high) / 2
      if noiseLevel(middle) <= level { low = middle } else { high = middle }
    }
    let (a, b) = (log(noiseLevel(low)), log(noiseLevel(low + 1)))
    return Double(low) + min(max((log(max(level, 1e-10)) - a) / (b - a), 0), 1)
  }

  /// The last timestep with λ = log(α/σ) of at least `lambda`; 0 if there is none.
  public func lastTimestep(lambda: Double) -> Int {
    (0..<count).last { log(alpha($0) / sigma($0)) >= lambda } ?? 0
  }
}
