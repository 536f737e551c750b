import Diffusion
import Flux
import Optimizers

/// All settings of a training run: runs with equal plans give equal weights on the same machine.
public struct TrainingPlan: Codable, Sendable, Equatable {
  /// The stages of a run, in order.
  ///
  /// Each stage continues with the weights of the stages before it.
  public enum Stage: String, Codable, CodingKeyRepresentable, Sendable, CaseIterable {
    /// Encoder and decoder learn to reconstruct windows near objects.
    case autoencoder
    /// One step trains both: the autoencoder on whole images, and the U-Net on its moving latents (stop-gradient).
    case joint
    /// The super-resolution levels are trained on full-size crops. The autoencoder is frozen from here on, so that every
    /// checkpoint of the long last stage is a complete model.
    case superResolution
    /// Decoder and super-resolution levels are finetuned at full size; the encoder is frozen, so that the latents stay
    /// those that a U-Net was trained on. Only on request.
    case decoder
    /// U-Net and adapter are trained on a pool of the frozen encoder's latents.
    case diffusion
  }

  /// A stage's share of the run's steps, and its batch size.
  public struct Part: Codable, Sendable, Equatable {
    public var share: Double  // of the steps; the shares of a plan add up to 1
    public var batch: Int  // images per step
  }

  /// Muon for the matrices and kernels of hidden layers.
  public struct MuonSettings: Codable, Sendable, Equatable {
    public var learningRate: Double
    public var weightDecay: Double

    public init(learningRate: Double = 2e-3, weightDecay: Double) {
      (self.learningRate, self.weightDecay) = (learningRate, weightDecay)
    }
  }

  public var profile: Profile
  public var preset: Preset
  public var data: String  // identifies the data, so that a run is not continued on other data
  public var hasObjectLabels: Bool  // whether the data provide an object label for each latent cell
  public var start: String?  // hash of the model that the run starts from, whose autoencoder is frozen
  public var reinitialize: Bool  // use only the autoencoder of that model
  public var prediction: Prediction  // what the U-Net's output means
  public var parts: [Stage: Part]  // stages that a run does not have are missing
  public var steps: Int  // over all stages
  public var accumulation: Int  // micro-batches per step (gradient accumulation)
  public var seed: UInt64
  public var autoencoderLearningRate: Double  // peak
  public var diffusionLearningRate: Double  // peak, of U-Net and adapter
  public var weightDecay: Double
  public var beta2: Double  // of AdamW
  public var warmup: Int  // steps
  public var cooldown: Double  // fraction of a stage, at its end, over which the learning rate decays to zero
  public var captionDropout: Double  // fraction of captions replaced by the empty prompt
  public var emaSigmas: [Double]  // relative widths σ_rel of the EMAs of U-Net and adapter; 0 is the raw weights
  public var lossType: DiffusionLoss.LossType
  public var cooldownLossType: DiffusionLoss.LossType?  // during the cooldown; nil is `lossType`
  public var minSNR: Double?  // γ of min-SNR weighting
  public var timeShift: Double  // timestep shift towards noise; 1 is uniform
  public var uniformTimesteps = 0.0  // fraction of samples with uniform timesteps, whatever `timeShift` is
  public var maxGradNorm: Double  // gradient clipping
  public var latentNoise: Double  // always added to the latents that decoder and U-Net see
  public var latentNoiseWide: Double  // deviation of the extra noise that half the decoder's latents get
  public var objectWeight: Double  // extra weight of cells with an object in the denoising loss
  public var alignment: Double  // weight of the classification losses on U-Net features and pooled text
  public var latentAlignment: Double  // weight of the classification loss on latents
  public var poolSize: Int  // latents in the pool for the U-Net
  public var poolRenewal: Int  // latents of the pool that are replaced per step
  public var resolution: Int?  // side of the training images, pixels; nil is the preset's
  public var bfloat16: Bool  // mixed precision
  public var gradientCheckpointing = false  // recompute activations in the backward pass
  public var autoencoderMuon: MuonSettings?  // nil: AdamW for every parameter of encoder and decoder
  public var diffusionMuon: MuonSettings?  // nil: AdamW for every parameter of U-Net and adapter
  /// Fraction of the autoencoder's steps after which its loss is mainly L1 (`AutoencoderLoss.Kind.late`).
  public var lateLoss = 1.0
  public var equivariance = 0.0  // weight of reconstructing half-size images from half-size latents
  public var textures = 0.0  // fraction of the autoencoder's images that are textures instead of scenes

  /// Sets the learning rate of Muon; 0 uses AdamW for all parameters.
  public mutating func setMuonLearningRate(_ learningRate: Double) {
    func changed(_ settings: MuonSettings?, decay: Double) -> MuonSettings? {
      learningRate == 0 ? nil : MuonSettings(learningRate: learningRate, weightDecay: settings?.weightDecay ?? decay)
    }
    autoencoderMuon = changed(autoencoderMuon, decay: 0.5)
    diffusionMuon = changed(diffusionMuon, decay: 0.1)
  }

  /// The steps at which the stages end, in order, if a run was extended: stages that had begun keep their length.
  var stageEnds: [Int]?

  /// Every setting; `stageEnds` is not one.
  private enum CodingKeys: String, CodingKey {
    case profile, preset, data, hasObjectLabels, start, reinitialize, prediction, parts, steps, accumulation, seed
    case autoencoderLearningRate, diffusionLearningRate, weightDecay, beta2, warmup, cooldown, captionDropout,
      emaSigmas, lossType
    case cooldownLossType, minSNR, timeShift, uniformTimesteps, maxGradNorm, latentNoise, latentNoiseWide, objectWeight
    case alignment, latentAlignment, poolSize, poolRenewal, bfloat16, gradientCheckpointing, autoencoderMuon
    case diffusionMuon, lateLoss, equivariance, textures, resolution
  }

  /// Extends the last stage and keeps the ends of all others.
  mutating func lengthen(from steps: Int, ends: [Int]?) {
    var before = self
    (before.steps, before.stageEnds) = (steps, ends)
    let stages = Stage.allCases.filter { parts[$0] != nil }
    stageEnds = stages.dropLast().map { before.range(of: $0).upperBound } + [self.steps]
  }

  /// The steps that belong to a stage.
  public func range(of stage: Stage) -> Range<Int> {
    let stages = Stage.allCases.filter { parts[$0] != nil }
    if let stageEnds, stageEnds.count == stages.count {
      guard let place = stages.firstIndex(of: stage) else { return 0..<0 }
      let first = place == 0 ? 0 : stageEnds[place - 1]
      return first..<max(first, stageEnds[place])
    }
    var start = 0.0
    for other in stages {
      let share = parts[other]?.share ?? 0
      let first = Int((start * Double(steps)).rounded())
      start += share
      if other == stage {
        return first..<max(first, other == stages.last ? steps : Int((start * Double(steps)).rounded()))
      }
    }
    return 0..<0
  }

  /// The stage that a step belongs to.
  public func stage(at step: Int) -> Stage {
    Stage.allCases.first { range(of: $0).contains(step) } ?? .diffusion
  }

  /// Batch size of a stage.
  public func batch(of stage: Stage) -> Int { parts[stage]?.batch ?? 0 }

  /// The steps in which U-Net and adapter learn.
  var denoiserSteps: Range<Int> { range(over: [.joint, .diffusion]) }

  /// The type of the denoising loss at a step.
  func lossType(at step: Int) -> DiffusionLoss.LossType {
    let steps = denoiserSteps
    let falls = Double(steps.upperBound - step) <= cooldown * Double(steps.count)
    return falls ? cooldownLossType ?? lossType : lossType
  }

  /// Learning rate relative to its peak at a step of `range`: linear warmup, plateau, linear decay.
  func learningRateFactor(at step: Int, in range: Range<Int>) -> Double {
    LearningRate(warmup: warmup, decay: .linear(share: cooldown)).share(at: step, in: range)
  }
}

extension TrainingPlan {
  /// Removes all other stages; the remaining ones keep their relative shares of the steps.
  ///
  /// A stage that a plan does not have by default is added if it is named: the decoder's, and, in a run that starts from
  /// a model, those of a run from scratch, which then train its autoencoder further. Throws if the plan cannot have a
  /// stage, and if no stage trains an encoder and there is no model to start from.
  public mutating func keep(_ stages: [Stage]) throws(TrainingError) {
    if profile == .ship, start != nil {
      parts = Self.shippedParts(preset, batch(of: .diffusion))
    }
    if profile == .ship, parts[.decoder] == nil {
      let share = 0.1 * parts.values.reduce(0) { $0 + $1.share }
      parts[.decoder] = Part(share: share, batch: max(batch(of: .diffusion) / 8, 1))
    }
    if let missing = stages.first(where: { parts[$0] == nil }) {
      throw .noStage(missing, Stage.allCases.filter { parts[$0] != nil })
    }
    if start == nil, !stages.contains(.autoencoder), !stages.contains(.joint) { throw .noEncoder(stages) }
    parts = parts.filter { stages.contains($0.key) }
    let total = parts.values.reduce(0) { $0 + $1.share }
    for stage in stages { parts[stage]?.share /= total }
  }

  /// Whether a stage trains the encoder and so changes the latents.
  var trainsEncoder: Bool { parts[.autoencoder] != nil || parts[.joint] != nil }

  /// The range from the first to the last step of several stages.
  func range(over stages: [Stage]) -> Range<Int> {
    let ranges = stages.map(range).filter { !$0.isEmpty }
    guard let first = ranges.map(\.lowerBound).min(), let last = ranges.map(\.upperBound).max() else { return 0..<0 }
    return first..<last
  }
}
