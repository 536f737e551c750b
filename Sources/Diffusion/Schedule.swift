import Foundation
import Support

/// The noise schedule over the training timesteps: plain numbers, no tensors.
public struct Schedule: Sendable, Equatable {
  /// The fields of diffusers' `scheduler_config.json` that define the noise schedule and the prediction type.
  public struct Configuration: ModelConfiguration, Equatable {
    /// The formulas of β over the timesteps, with diffusers' names.
    public enum Betas: String, ConfigurationChoice {
      /// β linear between `betaStart` and `betaEnd`.
      case linear
      /// √β linear between the roots of `betaStart` and `betaEnd`.
      case scaledLinear = "scaled_linear"
      /// ᾱ as a squared cosine, with β at most 0.999 (Nichol & Dhariwal 2021).
      case cosine = "squaredcos_cap_v2"
    }

    /// The formula of β.
    public var betaSchedule: Betas
    /// β of the first timestep, 1e-9…0.999; only for `linear` and `scaledLinear`.
    public var betaStart: Double
    /// β of the last timestep, from `betaStart` to 0.999; only for `linear` and `scaledLinear`.
    public var betaEnd: Double
    /// Number of training timesteps, 2…100,000.
    public var numTrainTimesteps: Int
    /// The meaning of the network's output.
    public var predictionType: Prediction

    // What only the files of other programs have; nil is how Flux trains and samples by itself.

    /// The class of diffusers that the file names; nil for Flux's own files.
    public var scheduler: SchedulerClass?
    /// What `leading` spacing adds to each timestep, 0 ..< `numTrainTimesteps`; nil is 0.
    public var stepsOffset: Int?
    /// Whether the last step of DDIM ends without noise (nil too) or, if false, at ᾱ₀, the first timestep's.
    public var setAlphaToOne: Bool?
    /// The spacing of the sampling timesteps: `leading`, `trailing` or `linspace`; nil is the sampler's default.
    public var timestepSpacing: Spacing?
    /// Whether ᾱ is rescaled to 0 at the last timestep (Lin et al., 2024, Algorithm 1); nil is false.
    public var rescaleBetasZeroSnr: Bool?
    /// β of every timestep, each 1e-9…0.999, in place of the formula.
    public var trainedBetas: [Double]?
    /// Whether estimates of the clean sample are clamped to ±`clipSampleRange`; nil leaves it to the pipeline.
    public var clipSample: Bool?
    /// The bound of clamped estimates, above 0; nil is 1.
    public var clipSampleRange: Double?
    /// The noise that Euler's method, DPM-Solver++ and UniPC end with; nil is none.
    public var finalSigmasType: FinalNoise?
    /// Whether samplers that count in noise levels space them as Karras et al., 2022; nil is false.
    public var useKarrasSigmas: Bool?
    /// Whether samplers that count in noise levels space their logarithms evenly; nil is false.
    public var useExponentialSigmas: Bool?
    /// Times with log(α/σ) below it are left out; nil is none in files of other programs.
    public var lambdaMinClipped: Double?
    /// The steps that a consistency model was distilled with, 1 … `numTrainTimesteps`; nil is 50.
    public var originalInferenceSteps: Int?

    /// A configuration with diffusers' defaults; `validate` checks it.
    public init(
      betaSchedule: Betas, betaStart: Double = 0.0001, betaEnd: Double = 0.02, numTrainTimesteps: Int = 1000,
      predictionType: Prediction
    ) {
      self.betaSchedule = betaSchedule
      self.betaStart = betaStart
      self.betaEnd = betaEnd
      self.numTrainTimesteps = numTrainTimesteps
      self.predictionType = predictionType
    }

    /// The minimum ᾱ at the last timestep, since predictions are divided by √ᾱ.
    private static let leastSignal = 1e-16

    /// Throws if a value is out of its range, or if too little signal is left at the last timestep.
    ///
    /// With `rescaleBetasZeroSnr` no signal is left there, which only predictions of v or x₀ allow.
    public func validate() throws(ConfigurationError) {
      try require("num_train_timesteps", numTrainTimesteps, in: 2...100_000)
      try require("beta_start", betaStart, in: 1e-9...0.999)
      try require("beta_end", betaEnd, in: 1e-9...0.999)
      if betaEnd < betaStart {
        throw ConfigurationError("beta_end", betaEnd, expected: "beta_start, \(betaStart), or more")
      }
      try validateOptions()
      let left = betas.reduce(1) { $0 * (1 - $1) }
      if left < Self.leastSignal {
        throw ConfigurationError(
          "beta_end", betaEnd,
          expected: "a smaller value: after \(numTrainTimesteps) timesteps ᾱ is \(left), and at least "
            + "\(Self.leastSignal) is needed")
      }
    }

    /// β_t, the variance that step t adds.
    var betas: [Double] {
      if let trainedBetas { return trainedBetas }
      let count = numTrainTimesteps
      let fractions = (0..<count).map { Double($0) / Double(count - 1) }
      let (start, end) = (betaStart, betaEnd)
      return switch betaSchedule {
      case .linear: fractions.map { start + (end - start) * $0 }
      case .scaledLinear:
        fractions.map { pow(start.squareRoot() + (end.squareRoot() - start.squareRoot()) * $0, 2) }
      case .cosine:
        (0..<count).map { step in
          func kept(_ t: Double) -> Double { pow(cos((t + 0.008) / 1.008 * .pi / 2), 2) }
          return min(1 - kept(Double(step + 1) / Double(count)) / kept(Double(step) / Double(count)), 0.999)
        }
      }
    }
  }

  /// The formula and numbers that the schedule was computed from.
  public let configuration: Configuration

  /// β_t, the variance that step t adds.
  public let betas: [Double]

  /// ᾱ_t = ∏ (1 − β), the remaining share of the signal's variance at timestep t.
  public let alphasCumprod: [Double]

  /// Computes the schedule; traps if the configuration is invalid.
  public init(_ configuration: Configuration) {
    do {
      try configuration.validate()
    } catch { fatalError("schedule: \(error)") }
    self.configuration = configuration
    let betas = configuration.betas
    var product = 1.0
    let alphasCumprod = betas.map { beta in
      product *= 1 - beta
      return product
    }
    guard configuration.rescaleBetasZeroSnr == true else {
      (self.betas, self.alphasCumprod) = (betas, alphasCumprod)
      return
    }
    self.alphasCumprod = Self.rescaledToZeroSNR(alphasCumprod)
    self.betas = zip([1] + self.alphasCumprod, self.alphasCumprod).map { 1 - $1 / $0 }
  }

  /// The same schedule with another ᾱ at its last timestep.
  init(_ schedule: Schedule, lastAlphaCumprod: Double) {
    configuration = schedule.configuration
    betas = schedule.betas
    alphasCumprod = schedule.alphasCumprod.dropLast() + [lastAlphaCumprod]
  }

  /// Number of training timesteps.
  public var count: Int { betas.count }

  /// √ᾱ_t: the factor of the clean latent at timestep t.
  public func alpha(_ t: Int) -> Double { alphasCumprod[t].squareRoot() }

  /// √(1 − ᾱ_t): the factor of the noise at timestep t.
  public func sigma(_ t: Int) -> Double { (1 - alphasCumprod[t]).squareRoot() }

  /// The noise level √((1 − ᾱ_t)/ᾱ_t): the σ of Karras et al., 2022.
  public func noiseLevel(_ t: Int) -> Double { ((1 - alphasCumprod[t]) / alphasCumprod[t]).squareRoot() }
}
