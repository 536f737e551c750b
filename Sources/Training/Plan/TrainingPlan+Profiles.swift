import Diffusion
import Flux
import Scenes

extension TrainingPlan {
  /// The training recipes.
  public enum Profile: String, Codable, Sendable, CaseIterable {
    /// The recipe of released weights; `docs/training.md` lists every difference from the specification.
    case ship
    /// Exactly the specification: 80,000 pairs, autoencoder and U-Net trained jointly throughout, ε-prediction with L1
    /// loss, AdamW at 1e-4 with weight decay 1e-5, batch size 8, 200 epochs.
    case specification

    /// The default preset of a profile.
    public var preset: Preset {
      switch self {
      case .ship: .mini
      case .specification: .specification
      }
    }
  }

  /// Number of pairs and epochs of the specification.
  public static let specifiedPairs = 80_000
  /// Passes over the pairs; together with the batch size they determine the number of steps.
  public static let specifiedEpochs = 200

  /// Steps in which the specification's epochs see `pairs` pairs each, the last batch filled from the start.
  static func specifiedSteps(pairs: Int, batch: Int) -> Int {
    let (examples, overflows) = pairs.multipliedReportingOverflow(by: specifiedEpochs)
    return max(overflows ? .max : examples / batch + (examples % batch == 0 ? 0 : 1), 1)
  }

  /// The default plan of a preset; a plan that starts from a model has only the last stage.
  public init(
    profile: Profile = .ship, preset: Preset? = nil, data: TrainingData = .scenes(.small), steps: Int? = nil,
    batch: Int? = nil, accumulation: Int = 1, seed: UInt64 = 0, bfloat16: Bool = false, start: ModelSource? = nil
  ) {
    let preset = preset ?? profile.preset
    switch profile {
    case .ship:
      self.init(shipping: preset, data, steps, batch, seed, start)
      if preset.configuration.autoencoder.palette != nil { usePaletteSettings() }
    case .specification: self.init(specified: preset, data, steps, batch, seed, start)
    }
    self.accumulation = accumulation
    self.bfloat16 = bfloat16
  }

  private init(
    shipping preset: Preset, _ data: TrainingData, _ steps: Int?, _ batch: Int?, _ seed: UInt64, _ start: ModelSource?
  ) {
    let small = preset == .tiny
    let batch = batch ?? (small ? 16 : 64)
    let pool = small ? 256 : 8192
    let hasObjectLabels = data.labelCount > 0
    let stages = start == nil ? Self.shippedParts(preset, batch) : [.diffusion: Part(share: 1, batch: batch)]
    self.init(
      profile: .ship, preset: preset, data: data.name, hasObjectLabels: hasObjectLabels, start: start?.hash,
      reinitialize: false,
      prediction: .v, parts: stages,
      steps: steps ?? (small ? 200 : 8000), accumulation: 1, seed: seed, autoencoderLearningRate: small ? 2e-3 : 1e-3,
      diffusionLearningRate: small ? 2e-3 : 1e-3, weightDecay: 1e-5,
      beta2: 0.99, warmup: small ? 10 : 100, cooldown: 0.4, captionDropout: 0.1,
      emaSigmas: [0.05], lossType: .l2, cooldownLossType: nil, minSNR: nil, timeShift: 2, maxGradNorm: 1,
      latentNoise: 0.1,
      latentNoiseWide: 0.4, objectWeight: hasObjectLabels ? 2 : 0, alignment: hasObjectLabels ? 0.1 : 0,
      latentAlignment: hasObjectLabels ? 0.03 : 0, poolSize: min(pool, data.count ?? pool),
      poolRenewal: (data.count ?? .max) <= pool ? 0 : small ? 4 : 6,
      bfloat16: false)
  }

  /// The stages of a run from scratch, for a U-Net batch.
  static func shippedParts(_ preset: Preset, _ batch: Int) -> [Stage: Part] {
    let enlarges = !preset.configuration.autoencoder.superResolutionWidths.isEmpty
    var parts: [Stage: Part] = [
      .autoencoder: Part(share: 0.22, batch: max(batch / 2, 1)), .joint: Part(share: 0.055, batch: max(batch / 4, 2)),
      .diffusion: Part(share: enlarges ? 0.7 : 0.725, batch: batch),
    ]
    if enlarges { parts[.superResolution] = Part(share: 0.025, batch: max(batch / 8, 1)) }
    return parts
  }

  /// The settings of palette autoencoders, which have no normalization layers.
  private mutating func usePaletteSettings() {
    autoencoderMuon = MuonSettings(weightDecay: 0.5)
    diffusionMuon = MuonSettings(weightDecay: 0.1)
    (autoencoderLearningRate, diffusionLearningRate) = (4e-4, 1e-3)
    (latentNoise, latentNoiseWide) = (0.1, 0.3)
    (latentAlignment, lateLoss, equivariance, textures) = (0, 0.5, 0.25, hasObjectLabels ? 0.125 : 0)
    (timeShift, uniformTimesteps) = (4, 0.2)
  }

  private init(
    specified preset: Preset, _ data: TrainingData, _ steps: Int?, _ batch: Int?, _ seed: UInt64, _ start: ModelSource?
  ) {
    let batch = batch ?? 8
    self.init(
      profile: .specification, preset: preset, data: data.name, hasObjectLabels: data.labelCount > 0,
      start: start?.hash,
      reinitialize: false, prediction: .epsilon, parts: [.joint: Part(share: 1, batch: batch)],
      steps: steps ?? Self.specifiedSteps(pairs: data.count ?? Self.specifiedPairs, batch: batch), accumulation: 1,
      seed: seed, autoencoderLearningRate: 1e-4,
      diffusionLearningRate: 1e-4, weightDecay: 1e-5, beta2: 0.999, warmup: 0, cooldown: 0, captionDropout: 0,
      emaSigmas: [], lossType: .l1, cooldownLossType: nil, minSNR: nil, timeShift: 1,
      maxGradNorm: .greatestFiniteMagnitude, latentNoise: 0,
      latentNoiseWide: 0, objectWeight: 0, alignment: 0, latentAlignment: 0, poolSize: 0, poolRenewal: 0,
      bfloat16: false)
  }
}

extension TrainingPlan {
  /// The sizes of the networks and what the U-Net predicts.
  ///
  /// The specification has a single decoder: a preset with super-resolution levels is used without them, at a smaller
  /// image size.
  public var configuration: ModelBundle.Configuration {
    var configuration = preset.configuration
    configuration.schedule.predictionType = prediction
    if let resolution { configuration.imageSize = resolution }
    if let superResolutionWidths { configuration.autoencoder.superResolutionWidths = superResolutionWidths }
    if let paletteSharpness { configuration.autoencoder.palette?.sharpness = paletteSharpness }
    if profile == .specification {
      configuration.imageSize /= configuration.autoencoder.superResolutionFactor
      configuration.autoencoder.superResolutionWidths = []
    }
    return configuration
  }
}
