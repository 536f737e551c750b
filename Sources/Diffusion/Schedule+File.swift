import Foundation
import Support

// The files of other programs: what they leave out, and what Flux cannot do.

extension Schedule.Configuration {
  /// Fields that are read, but not kept.
  private enum FileKey: String, CodingKey {
    case diffusersVersion = "_diffusersVersion"
    case thresholding, useBetaSigmas, useLuLambdas, useFlowSigmas, useDynamicShifting
    case interpolationType, timestepType, varianceType, sigmaMin, sigmaMax, timestepScaling
  }

  enum CodingKeys: String, CodingKey {
    case betaSchedule, betaStart, betaEnd, numTrainTimesteps, predictionType
    case scheduler = "_className"
    case stepsOffset, setAlphaToOne, timestepSpacing, rescaleBetasZeroSnr, trainedBetas, clipSample, clipSampleRange
    case finalSigmasType, useKarrasSigmas, useExponentialSigmas, lambdaMinClipped, originalInferenceSteps
  }

  /// Reads Flux's own files, or one of diffusers, which its version or its class shows.
  ///
  /// What a file of diffusers does not say has the default of its class, as there. Fields that choose an algorithm
  /// (`skip_prk_steps`, `solver_order`, `algorithm_type` and the like) are read over: the sampler is the user's choice. A
  /// field with an effect that Flux does not have throws with its name.
  public init(from decoder: any Decoder) throws {
    let table = try decoder.container(keyedBy: CodingKeys.self)
    let file = try decoder.container(keyedBy: FileKey.self)
    try Self.refuseUnsupported(file)
    let version = try file.decodeIfPresent(String.self, forKey: .diffusersVersion)
    var named = try table.decodeIfPresent(SchedulerClass.self, forKey: .scheduler)
    if version == nil, named == .ddpm { named = nil }
    guard let named else {
      self.init(
        betaSchedule: try table.decode(Betas.self, forKey: .betaSchedule),
        betaStart: try table.decode(Double.self, forKey: .betaStart),
        betaEnd: try table.decode(Double.self, forKey: .betaEnd),
        numTrainTimesteps: try table.decode(Int.self, forKey: .numTrainTimesteps),
        predictionType: try table.decode(Prediction.self, forKey: .predictionType))
      try readOptions(table)
      return
    }
    self.init(
      betaSchedule: try table.decodeIfPresent(Betas.self, forKey: .betaSchedule) ?? .linear,
      betaStart: try table.decodeIfPresent(Double.self, forKey: .betaStart) ?? 0.0001,
      betaEnd: try table.decodeIfPresent(Double.self, forKey: .betaEnd) ?? 0.02,
      numTrainTimesteps: try table.decodeIfPresent(Int.self, forKey: .numTrainTimesteps) ?? 1000,
      predictionType: try table.decodeIfPresent(Prediction.self, forKey: .predictionType) ?? .epsilon)
    try readOptions(table)
    scheduler = named
    timestepSpacing = timestepSpacing ?? named.defaultSpacing
    setAlphaToOne = setAlphaToOne ?? named.endsClean
    clipSample = named.clips.map { clipSample ?? $0 } ?? false
  }

  private mutating func readOptions(_ table: KeyedDecodingContainer<CodingKeys>) throws {
    stepsOffset = try table.decodeIfPresent(Int.self, forKey: .stepsOffset)
    setAlphaToOne = try table.decodeIfPresent(Bool.self, forKey: .setAlphaToOne)
    timestepSpacing = try table.decodeIfPresent(GridSpacing.self, forKey: .timestepSpacing)?.spacing
    rescaleBetasZeroSnr = try table.decodeIfPresent(Bool.self, forKey: .rescaleBetasZeroSnr)
    trainedBetas = try table.decodeIfPresent([Double].self, forKey: .trainedBetas)
    clipSample = try table.decodeIfPresent(Bool.self, forKey: .clipSample)
    clipSampleRange = try table.decodeIfPresent(Double.self, forKey: .clipSampleRange)
    finalSigmasType = try table.decodeIfPresent(FinalNoise.self, forKey: .finalSigmasType)
    useKarrasSigmas = try table.decodeIfPresent(Bool.self, forKey: .useKarrasSigmas)
    useExponentialSigmas = try table.decodeIfPresent(Bool.self, forKey: .useExponentialSigmas)
    lambdaMinClipped = try table.decodeIfPresent(Double.self, forKey: .lambdaMinClipped)
    originalInferenceSteps = try table.decodeIfPresent(Int.self, forKey: .originalInferenceSteps)
  }

  /// The spacings that a file may name.
  private enum GridSpacing: String, ConfigurationChoice {
    case leading, trailing, linspace

    var spacing: Spacing {
      switch self {
      case .leading: .leading
      case .trailing: .trailing
      case .linspace: .linspace
      }
    }
  }

  private static func refuseUnsupported(_ file: KeyedDecodingContainer<FileKey>) throws {
    func require(_ key: FileKey, _ isSupported: Bool, _ expected: String) throws {
      guard !isSupported else { return }
      throw DecodingError.dataCorruptedError(
        forKey: key, in: file, debugDescription: "expected \(expected), the only value that Flux supports")
    }
    for key in [FileKey.thresholding, .useBetaSigmas, .useLuLambdas, .useFlowSigmas, .useDynamicShifting] {
      try require(key, try file.decodeIfPresent(Bool.self, forKey: key) != true, "false")
    }
    for (key, expected) in [(FileKey.interpolationType, "linear"), (.timestepType, "discrete")] {
      try require(key, [nil, expected].contains(try file.decodeIfPresent(String.self, forKey: key)), "\"\(expected)\"")
    }
    for key in [FileKey.sigmaMin, .sigmaMax] {
      try require(key, try file.decodeIfPresent(Double.self, forKey: key) == nil, "null")
    }
    try require(
      .timestepScaling, [nil, 10].contains(try file.decodeIfPresent(Double.self, forKey: .timestepScaling)), "10")
    if let variance = try file.decodeIfPresent(String.self, forKey: .varianceType), variance.hasPrefix("learned") {
      try require(.varianceType, false, "\"fixed_small\"")
    }
  }

  /// The checks of what only files of other programs have.
  func validateOptions() throws(ConfigurationError) {
    if let stepsOffset { try require("steps_offset", stepsOffset, in: 0...numTrainTimesteps - 1) }
    if let originalInferenceSteps {
      try require("original_inference_steps", originalInferenceSteps, in: 1...numTrainTimesteps)
    }
    if let clipSampleRange { try require("clip_sample_range", clipSampleRange, in: 1e-9...1e9) }
    if let lambdaMinClipped { try require("lambda_min_clipped", lambdaMinClipped, in: -1e9...0) }
    if let timestepSpacing, [.karras, .exponential].contains(timestepSpacing) {
      throw ConfigurationError(
        "timestep_spacing", "\"\(timestepSpacing.rawValue)\"", expected: "\"leading\", \"trailing\" or \"linspace\"")
    }
    if let trainedBetas {
      try require("trained_betas", count: trainedBetas.count, as: numTrainTimesteps, of: "num_train_timesteps")
      for (index, beta) in trainedBetas.enumerated() { try require("trained_betas[\(index)]", beta, in: 1e-9...0.999) }
    }
    if rescaleBetasZeroSnr == true, predictionType == .epsilon {
      throw ConfigurationError(
        "rescale_betas_zero_snr", true,
        expected: "false, since prediction_type is epsilon: where no signal is left, the noise says nothing about it")
    }
  }
}

extension Schedule.Configuration {
  /// The sampler that the file's class names; nil for Flux's own files.
  public var sampler: SamplerKind? { scheduler?.sampler }

  /// The range to which estimates of the clean sample are clamped; nil clamps none.
  ///
  /// A file of another program decides by `clip_sample`; where there is no such field, the range is `own`.
  public func cleanRange(own: ClosedRange<Double>?) -> ClosedRange<Double>? {
    guard let clipSample else { return own }
    let bound = clipSampleRange ?? 1
    return clipSample ? -bound...bound : nil
  }

  /// The spacing for a sampler if none is asked for: that of the file, else the sampler's default; nil for LCM.
  public func spacing(for kind: SamplerKind) -> Spacing? {
    guard let own = kind.defaultSpacing else { return nil }
    if kind.dividesBySignal, useKarrasSigmas == true { return .karras }
    if kind.dividesBySignal, useExponentialSigmas == true { return .exponential }
    return timestepSpacing ?? own
  }
}

extension Schedule {
  /// ᾱ with √ᾱ shifted to end at 0 and scaled to begin as before (Lin et al., 2024, Algorithm 1).
  static func rescaledToZeroSNR(_ alphasCumprod: [Double]) -> [Double] {
    let roots = alphasCumprod.map { $0.squareRoot() }
    guard let first = roots.first, let last = roots.last else { return [] }
    return roots.map { pow(($0 - last) * first / (first - last), 2) }
  }

  /// The least ᾱ for samplers that divide by it: diffusers' 2⁻²⁴ in place of 0.
  private static let leastSignal = 0x1p-24

  /// The schedule as a sampler sees it: without a time at which no signal is left, unless it can start there.
  func seen(by kind: SamplerKind, _ spacing: Spacing) -> Schedule {
    let dividesBySignal = kind.dividesBySignal || spacing == .karras || spacing == .exponential
    guard alphasCumprod.last == 0, dividesBySignal else { return self }
    return Schedule(self, lastAlphaCumprod: Self.leastSignal)
  }

  /// The time at which a sampler ends.
  func end(for kind: SamplerKind) -> DiffusionTime {
    let keepsNoise =
      switch kind {
      case .ddim: configuration.setAlphaToOne == false
      case .euler, .dpmpp_2m, .unipc: configuration.finalSigmasType == .sigmaMin
      case .ddpm, .euler_a, .heun, .dpmpp_2s, .lcm: false
      }
    return keepsNoise ? DiffusionTime(timestep: 0, alpha: alpha(0), sigma: sigma(0)) : .clean
  }
}
