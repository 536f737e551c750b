import Diffusion
import Flux
import Scenes

extension TrainingPlan {
  /// The two ways to train.
  public enum Profile: String, Codable, Sendable, CaseIterable {
    /// What trains the weights that people get; `docs/training.md` names every difference from the specification.
    case ship
    /// The specification's numbers to the letter: 80,000 pairs, autoencoder and U-Net trained jointly from the first step
    /// to the last, ε under L1, AdamW 1e-4 with weight decay 1e-5, batch 8, 200 epochs, nothing else.
    case specification

    /// The preset whose networks a profile trains unless told otherwise.
    public var preset: Preset {
      switch self {
      case .ship: .mini
      case .specification: .specification
      }
    }
  }

  /// Pairs of the specification, and how often each is seen.
  public static let specifiedPairs = 80_000
  public static let specifiedEpochs = 200

  /// The plan that a preset is trained with unless told otherwise; one that starts from a model has the last stage only.
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
    let knowsObjects = data.labelCount > 0
    let stages = start == nil ? Self.shippedParts(preset, batch) : [.diffusion: Part(share: 1, batch: batch)]
    self.init(
      profile: .ship, preset: preset, data: data.name, knowsObjects: knowsObjects, start: start?.hash, anew: false,
      prediction: .v, parts: stages,
      steps: steps ?? (small ? 200 : 8000), accumulation: 1, seed: seed, autoencoderRate: small ? 2e-3 : 1e-3,
      diffusionRate: small ? 2e-3 : 1e-3, weightDecay: 1e-5,
      secondBeta: 0.99, warmup: small ? 10 : 100, cooldown: 0.4, captionDropout: 0.1,
      averages: [0.05], distance: .l2, lastDistance: nil, minSNR: nil, timeShift: 2, gradientLimit: 1, latentNoise: 0.1,
      latentNoiseWide: 0.4, objectWeight: knowsObjects ? 2 : 0, alignment: knowsObjects ? 0.1 : 0,
      latentAlignment: knowsObjects ? 0.03 : 0, poolSize: min(pool, data.count ?? pool),
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

  /// What a palette autoencoder, which has no normalization, needs to train fast and soundly.
  private mutating func usePaletteSettings() {
    autoencoderMuon = MuonSettings(weightDecay: 0.5)
    diffusionMuon = MuonSettings(weightDecay: 0.1)
    (autoencoderRate, diffusionRate) = (4e-4, 1e-3)
    (latentNoise, latentNoiseWide) = (0.1, 0.3)
    (latentAlignment, lateLoss, equivariance, textures) = (0, 0.5, 0.25, knowsObjects ? 0.125 : 0)
    (timeShift, evenTimes) = (4, 0.2)
  }

  private init(
    specified preset: Preset, _ data: TrainingData, _ steps: Int?, _ batch: Int?, _ seed: UInt64, _ start: ModelSource?
  ) {
    let batch = batch ?? 8
    self.init(
      profile: .specification, preset: preset, data: data.name, knowsObjects: data.labelCount > 0, start: start?.hash,
      anew: false, prediction: .epsilon, parts: [.joint: Part(share: 1, batch: batch)],
      steps: steps ?? max((data.count ?? Self.specifiedPairs) / batch * Self.specifiedEpochs, 1), accumulation: 1,
      seed: seed, autoencoderRate: 1e-4,
      diffusionRate: 1e-4, weightDecay: 1e-5, secondBeta: 0.999, warmup: 0, cooldown: 0, captionDropout: 0,
      averages: [], distance: .l1, lastDistance: nil, minSNR: nil, timeShift: 1,
      gradientLimit: .greatestFiniteMagnitude, latentNoise: 0,
      latentNoiseWide: 0, objectWeight: 0, alignment: 0, latentAlignment: 0, poolSize: 0, poolRenewal: 0,
      bfloat16: false)
  }
}

extension TrainingPlan {
  /// The sizes of the networks and what the U-Net predicts.
  ///
  /// In the specification one decoder paints all pixels: a preset with super-resolution levels lends its networks without
  /// them, and paints smaller pictures.
  public var configuration: ModelBundle.Configuration {
    var configuration = preset.configuration
    configuration.schedule.predictionType = prediction
    if profile == .specification {
      configuration.imageSize /= configuration.autoencoder.superResolutionFactor
      configuration.autoencoder.superResolutionWidths = []
    }
    return configuration
  }
}
