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
    /// checkpoint of the long last stage is a complete model. The levels of a palette decoder are trained on larger images
    /// than the model's. Only on request.
    case superResolution
    /// Decoder and super-resolution levels are finetuned at full size; the encoder is frozen, so that the latents stay
    /// those that a U-Net was trained on. Only on request.
    case decoder
    /// U-Net and adapter are trained on a pool of the frozen encoder's latents.
    case diffusion

    /// The name in options, messages and logs; stored plans have the raw value.
    public var name: String { self == .superResolution ? "super-resolution" : rawValue }
  }

  /// A stage's share of the run's steps, and its batch size.
  public struct Part: Codable, Sendable, Equatable {
    /// Fraction of the steps; the shares of a plan add up to 1.
    public var share: Double
    /// Number of images per step.
    public var batch: Int
  }

  /// Muon for the matrices and kernels of hidden layers.
  public struct MuonSettings: Codable, Sendable, Equatable {
    /// Peak learning rate.
    public var learningRate: Double
    /// Decoupled weight decay, which is multiplied by the learning rate.
    public var weightDecay: Double

    /// Settings with a learning rate of 0.002, unless given.
    public init(learningRate: Double = 2e-3, weightDecay: Double) {
      (self.learningRate, self.weightDecay) = (learningRate, weightDecay)
    }
  }

  /// The recipe that the plan was made from.
  public var profile: Profile
  /// The sizes of the networks.
  public var preset: Preset
  /// Identifies the data, so that a run is not continued on other data.
  public var data: String
  /// True if the data provide an object label for each latent cell.
  public var hasObjectLabels: Bool
  /// Hash of the model that the run starts from; nil if it starts from random weights.
  ///
  /// The model's autoencoder is frozen unless a stage trains it.
  public var start: String?
  /// Uses only the autoencoder of the model to start from.
  public var reinitialize: Bool
  /// The meaning of the U-Net's output.
  public var prediction: Prediction
  /// The stages of the run; those that it does not have are missing.
  public var parts: [Stage: Part]
  /// Number of steps over all stages.
  public var steps: Int
  /// Number of micro-batches per step (gradient accumulation).
  public var accumulation: Int
  /// Seed of the initial weights and of all randomness in the steps.
  public var seed: UInt64
  /// Peak learning rate of the autoencoder.
  public var autoencoderLearningRate: Double
  /// Peak learning rate of U-Net and adapter.
  public var diffusionLearningRate: Double
  /// Decoupled weight decay of AdamW.
  public var weightDecay: Double
  /// β₂ of AdamW.
  public var beta2: Double
  /// Number of steps of linear warmup.
  public var warmup: Int
  /// Fraction of a stage, at its end, over which the learning rate decays to zero.
  public var cooldown: Double
  /// Fraction of captions replaced by the empty prompt, for guidance; 0 trains without.
  public var captionDropout: Double
  /// Relative widths σ_rel of the EMAs of U-Net and adapter; 0 is the raw weights.
  ///
  /// The first EMA gives the run's model directory its weights.
  public var emaSigmas: [Double]
  /// The type of the denoising loss.
  public var lossType: DiffusionLoss.LossType
  /// The type of the denoising loss during the cooldown; nil is `lossType`.
  public var cooldownLossType: DiffusionLoss.LossType?
  /// γ of min-SNR weighting; nil weighs all timesteps equally.
  public var minSNR: Double?
  /// Timestep shift towards noise; 1 is uniform.
  public var timeShift: Double
  /// Fraction of samples with uniform timesteps, whatever `timeShift` is.
  public var uniformTimesteps = 0.0
  /// Norm above which gradients are scaled down (gradient clipping).
  public var maxGradNorm: Double
  /// Standard deviation of the noise that the latents for decoder and U-Net always get; latents have variance 1.
  public var latentNoise: Double
  /// Scale of the extra noise that half the decoder's latents get; its deviation is random for each latent.
  public var latentNoiseWide: Double
  /// Fraction of the images of the decoder's stage whose latents the U-Net regenerates, to learn from its errors.
  public var regeneratedLatents = 0.0
  /// Extra weight of cells with an object in the denoising loss.
  public var objectWeight: Double
  /// Weight of the classification losses on U-Net features and pooled text.
  public var alignment: Double
  /// Weight of the classification loss on latents.
  public var latentAlignment: Double
  /// Number of latents in the pool for the U-Net.
  public var poolSize: Int
  /// Number of latents in the pool that are replaced per step.
  public var poolRenewal: Int
  /// Side of the training images in pixels; nil is the preset's.
  public var resolution: Int?
  /// True crops images to the nearest of several shapes instead of squares; nil does not.
  public var aspectBuckets: Bool?
  /// Widths of the super-resolution levels of a palette decoder; nil is none.
  public var superResolutionWidths: [Int]?
  /// Side of the images that these levels learn from, in pixels; nil is twice the model's.
  public var superResolutionSize: Int?
  /// Sharpness of the palette decoder (`PaletteDecoder.sharpness`); nil is the preset's.
  public var paletteSharpness: Double?
  /// Computes the networks in bfloat16 mixed precision.
  public var bfloat16: Bool
  /// Recomputes activations in the backward pass, which takes less memory and more time.
  public var gradientCheckpointing = false
  /// Muon for hidden layers of encoder and decoder; nil uses AdamW for every parameter.
  public var autoencoderMuon: MuonSettings?
  /// Muon for hidden layers of U-Net and adapter; nil uses AdamW for every parameter.
  public var diffusionMuon: MuonSettings?
  /// Fraction of the autoencoder's steps after which its loss is mainly L1 (`AutoencoderLoss.Kind.late`).
  public var lateLoss = 1.0
  /// Weight of reconstructing half-size images from half-size latents.
  public var equivariance = 0.0
  /// Fraction of the autoencoder's images that are textures instead of scenes.
  public var textures = 0.0
  /// The networks that the denoising loss trains; nil is adapter and U-Net.
  var trainedNetworks: [Network]?
  /// Peak learning rate of the text encoder; nil is the default of `learningRate(of:)`.
  public var textEncoderLearningRate: Double?
  /// Peak learning rate of the adapter; nil is `diffusionLearningRate`.
  public var adapterLearningRate: Double?
  /// Peak learning rate of the U-Net; nil is `diffusionLearningRate`.
  public var unetLearningRate: Double?
  /// Trains a LoRA of U-Net and text encoder instead of their weights.
  public var lora: LoRASettings?
  /// Images for prior preservation in the diffusion stage; nil trains without.
  public var regularization: Regularization?

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
    case diffusionMuon, regeneratedLatents, lateLoss, equivariance, textures, resolution, superResolutionWidths,
      superResolutionSize, paletteSharpness
    case trainedNetworks, textEncoderLearningRate, adapterLearningRate, unetLearningRate, lora, regularization,
      aspectBuckets
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
  /// A stage that a plan does not have by default is added if it is named: the decoder's, that of a palette decoder's
  /// levels, which it gets if it has none, and, in a run that starts from a model, those of a run from scratch, which then
  /// train its autoencoder further. Throws if the plan cannot have a
  /// stage, and if no stage trains an encoder and there is no model to start from.
  public mutating func keep(_ stages: [Stage]) throws(TrainingError) {
    if profile == .ship, start != nil {
      parts = Self.shippedParts(preset, batch(of: .diffusion))
    }
    if profile == .ship, parts[.decoder] == nil {
      let share = 0.1 * parts.values.reduce(0) { $0 + $1.share }
      parts[.decoder] = Part(share: share, batch: max(batch(of: .diffusion) / 8, 1))
    }
    if profile == .ship, parts[.superResolution] == nil, configuration.autoencoder.palette != nil {
      let share = 0.1 * parts.values.reduce(0) { $0 + $1.share }
      parts[.superResolution] = Part(share: share, batch: max(batch(of: .diffusion) / 8, 1))
    }
    if let missing = stages.first(where: { parts[$0] == nil }) {
      throw .noStage(missing, Stage.allCases.filter { parts[$0] != nil })
    }
    if start == nil, !stages.contains(.autoencoder), !stages.contains(.joint) { throw .noEncoder(stages) }
    parts = parts.filter { stages.contains($0.key) }
    if trainsFieldLevels { superResolutionWidths = superResolutionWidths ?? Self.defaultFieldLevels }
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
