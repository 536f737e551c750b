import Foundation

/// One moment of the diffusion: the network's clock beside what x = α x₀ + σ ε is made of there.
public struct DiffusionTime: Sendable, Equatable {
  /// The time that the network is asked at, 0 … training steps − 1; fractional between two training times.
  public let timestep: Double
  /// √ᾱ, the share of the clean latent, 0 … 1.
  public let alpha: Double
  /// √(1 − ᾱ), the share of the noise, 0 … 1.
  public let sigma: Double

  public init(timestep: Double, alpha: Double, sigma: Double) {
    self.timestep = timestep
    self.alpha = alpha
    self.sigma = sigma
  }

  /// The time with a given noise to signal σ/α, keeping α² + σ² = 1.
  public init(timestep: Double, noiseLevel: Double) {
    let alpha = 1 / (1 + noiseLevel * noiseLevel).squareRoot()
    self.init(timestep: timestep, alpha: alpha, sigma: noiseLevel * alpha)
  }

  /// Where sampling ends: no noise is left.
  public static let clean = DiffusionTime(timestep: 0, alpha: 1, sigma: 0)

  /// Noise to signal σ/α: the σ of Karras et al., 2022; 0 when clean.
  public var noiseLevel: Double { sigma / alpha }

  /// λ = log(α/σ), half the logarithm of the signal to noise ratio (Lu et al., 2022); infinite when clean.
  public var lambda: Double { log(alpha / sigma) }
}

extension Schedule {
  /// The time at `t`, between two training times by linear interpolation of the noise to signal.
  public func time(at t: Double) -> DiffusionTime {
    guard t >= 0, t <= Double(count - 1) else { fatalError("time \(t) is outside 0…\(count - 1)") }
    let below = Int(t)
    let fraction = t - Double(below)
    if fraction == 0 { return DiffusionTime(timestep: t, alpha: alpha(below), sigma: sigma(below)) }
    let level = noiseLevel(below) + fraction * (noiseLevel(below + 1) - noiseLevel(below))
    return DiffusionTime(timestep: t, noiseLevel: level)
  }

  /// The time at which the noise to signal is `level`, by linear interpolation of its logarithm; at an end of the
  /// schedule when the level lies beyond it.
  public func timestep(noiseLevel level: Double) -> Double {
    // noiseLevel grows with t: find the last training time that is not above the level.
    var (low, high) = (0, count - 1)
    while low + 1 < high {
      let middle = (low + high) / 2
      if noiseLevel(middle) <= level { low = middle } else { high = middle }
    }
    let (a, b) = (log(noiseLevel(low)), log(noiseLevel(low + 1)))
    return Double(low) + min(max((log(max(level, 1e-10)) - a) / (b - a), 0), 1)
  }

  /// The latest time whose λ = log(α/σ) is at least `lambda`; 0 when none is.
  public func lastTimestep(lambda: Double) -> Int {
    (0..<count).last { log(alpha($0) / sigma($0)) >= lambda } ?? 0
  }
}
