import ArgumentParser
import Diffusion
import Training

/// Hyperparameters in which a run may differ from its profile.
struct PlanOptions: ParsableArguments {
  @Option(
    help: """
      Stages to run, separated by commas: autoencoder, joint, super-resolution, decoder, diffusion (default: all but \
      decoder, which finetunes the decoder on a frozen encoder, and, with a palette decoder, super-resolution).
      """)
  var stages: StageList?
  @Option(
    help: """
      Side of the training images in pixels (default: the preset's, or that of a model of Stable Diffusion). A U-Net learns \
      layouts and colors at a quarter of the cost at half the side.
      """)
  var resolution: Int?
  @Option(
    help: """
      Side of the images that the super-resolution levels of a palette decoder learn from, a multiple of the model's size \
      (default: twice the model's). With a model of Stable Diffusion the same as --resolution.
      """)
  var size: Int?
  @Option(
    help: """
      Widths of the super-resolution levels of a palette decoder, separated by commas; each doubles its fields (default: \
      those of --from, or 32).
      """)
  var superResolutionWidths: WidthList?
  @Option(help: "Peak learning rate of the autoencoder.") var autoencoderLearningRate: Double?
  @Option(name: .customLong("learning-rate"), help: "Peak learning rate of U-Net and text adapter.")
  var diffusionLearningRate: Double?
  @Option(help: "Weight decay of AdamW.") var weightDecay: Double?
  @Option(
    help: "Learning rate of Muon for the hidden matrices of presets with a palette decoder; 0 uses AdamW for all.")
  var muonLearningRate: Double?
  @Option(help: "Fraction of the autoencoder steps after which its loss is mainly L1; 1 is never.")
  var lateLoss: Double?
  @Option(help: "Weight of the scale-equivariance loss: half-size images from half-size latents.")
  var equivariance: Double?
  @Option(help: "Fraction of the autoencoder's training images that are textures instead of scenes.")
  var textures: Double?
  @Option(name: .customLong("adam-beta2"), help: "Beta2 of AdamW.") var beta2: Double?
  @Option(help: "Maximum gradient norm (gradient clipping); 0 disables it.") var maxGradNorm: Double?
  @Option(help: "Warmup steps of the learning rate.") var warmup: Int?
  @Option(help: "Fraction of a stage, at its end, over which the learning rate decays to zero.") var cooldown: Double?
  @Option(help: "Fraction of captions replaced by the empty prompt, for classifier-free guidance.")
  var captionDropout: Double?
  @Option(
    name: .customLong("ema"),
    help: """
      Relative widths σ_rel of the EMAs of U-Net and adapter, separated by commas (0.05,0.1; 0 is the raw weights). The \
      first is saved as model/, the others at the end as model-ema-WIDTH/.
      """)
  var emaSigmas: EMASigmas?
  @Option(help: "What the U-Net predicts: epsilon, v_prediction or sample.") var prediction: Prediction?
  @Option(name: .customLong("loss"), help: "Loss type of the denoising loss: l1, l2 or huber.")
  var lossType: DiffusionLoss.LossType?
  @Option(name: .customLong("cooldown-loss"), help: "Loss type while the learning rate decays (default: --loss).")
  var cooldownLossType: DiffusionLoss.LossType?
  @Option(help: "Gamma of min-SNR loss weighting (5 is usual); 0 disables it.")
  var minSNR: Double?
  @Option(help: "Timestep shift towards noise; 1 samples timesteps uniformly.") var timeShift: Double?
  @Option(help: "Fraction of samples with uniformly drawn timesteps, whatever --time-shift is.")
  var uniformTimesteps: Double?
  @Option(help: "Standard deviation of the noise that is always added to latents.") var latentNoise: Double?
  @Option(help: "Scale of extra noise on half of the latents that the decoder is trained on.")
  var latentNoiseWide: Double?
  @Option(
    help:
      "Fraction of the images of the stage decoder whose latents the U-Net regenerates under guidance (with --from).")
  var regeneratedLatents: Double?
  @Option(help: "Extra loss weight of latent cells that hold an object (Scenes only).") var objectWeight: Double?
  @Option(help: "Weight of the classification losses on U-Net features and pooled text (Scenes only).")
  var alignment: Double?
  @Option(help: "Weight of the classification loss on latents (Scenes only).") var latentAlignment: Double?

  @Option(help: "Number of latents kept in the pool that U-Net batches are drawn from.") var poolSize: Int?
  @Option(help: "New images that enter the pool per step; 0 never replaces any.") var poolRenewal: Int?

  func validate() throws {
    for (flag, value) in [
      ("autoencoder-learning-rate", autoencoderLearningRate), ("learning-rate", diffusionLearningRate),
      ("weight-decay", weightDecay),
      ("max-grad-norm", maxGradNorm), ("latent-noise", latentNoise), ("latent-noise-wide", latentNoiseWide),
      ("object-weight", objectWeight), ("alignment", alignment), ("latent-alignment", latentAlignment),
      ("muon-learning-rate", muonLearningRate), ("equivariance", equivariance), ("time-shift", timeShift),
      ("min-snr", minSNR),
    ] { try NumberRange.check("--\(flag)", value, NumberRange.nonnegative) }
    try NumberRange.check("--adam-beta2", beta2, 0...0.999_999)
    for (flag, value) in [
      ("cooldown", cooldown), ("caption-dropout", captionDropout), ("late-loss", lateLoss),
      ("textures", textures), ("uniform-timesteps", uniformTimesteps), ("regenerated-latents", regeneratedLatents),
    ] {
      try NumberRange.check("--\(flag)", value, 0...1)
    }
    if let poolRenewal, poolRenewal < 0 {
      throw ValidationError("--pool-renewal \(poolRenewal) must not be negative")
    }
    try CountLimit.check("--pool-size", poolSize, to: CountLimit.pool)
    try CountLimit.check("--pool-renewal", poolRenewal, from: 0, to: CountLimit.pool)
    try CountLimit.check("--warmup", warmup, from: 0, to: CountLimit.steps)
    if timeShift == 0 { throw ValidationError("--time-shift must be above 0") }
  }

  /// Overrides the profile's hyperparameters with those that were given.
  func apply(to plan: inout TrainingPlan) throws(Failure) {
    // Heads without labels would get no gradient.
    if !plan.hasObjectLabels, textures ?? 0 > 0 {
      throw Failure("--textures needs --data scenes", code: 2)
    }
    if !plan.hasObjectLabels, objectWeight != nil || alignment != nil || latentAlignment != nil {
      throw Failure("--object-weight, --alignment and --latent-alignment need --data scenes", code: 2)
    }
    if let superResolutionWidths { plan.superResolutionWidths = superResolutionWidths.widths }
    plan.superResolutionSize = size
    if let stages {
      do throws(TrainingError) {
        try plan.keep(stages.stages)
      } catch { throw Failure(error.description, code: 2) }
    }
    if regeneratedLatents ?? 0 > 0, plan.parts[.decoder] == nil || plan.start == nil || plan.reinitialize {
      throw Failure("--regenerated-latents needs --stages decoder and --from a model whose U-Net is trained", code: 2)
    }
    if let resolution {
      let (cell, largest) = (plan.configuration.autoencoder.downsample, 4 * plan.configuration.imageSize)
      guard resolution % cell == 0, (4 * cell...largest).contains(resolution) else {
        throw Failure(
          "--resolution \(resolution) must be a multiple of \(cell) from \(4 * cell) to \(largest)", code: 2)
      }
      plan.resolution = resolution
    }
    func set<T>(_ field: WritableKeyPath<TrainingPlan, T>, _ value: T?) {
      if let value { plan[keyPath: field] = value }
    }
    set(\.autoencoderLearningRate, autoencoderLearningRate)
    set(\.diffusionLearningRate, diffusionLearningRate)
    set(\.weightDecay, weightDecay)
    set(\.beta2, beta2)
    set(\.maxGradNorm, maxGradNorm.map { $0 == 0 ? .greatestFiniteMagnitude : $0 })
    set(\.warmup, warmup)
    set(\.cooldown, cooldown)
    set(\.captionDropout, captionDropout)
    set(\.emaSigmas, emaSigmas?.values)
    set(\.prediction, prediction)
    set(\.lossType, lossType)
    if let cooldownLossType { plan.cooldownLossType = cooldownLossType }
    if let minSNR { plan.minSNR = minSNR == 0 ? nil : minSNR }
    set(\.timeShift, timeShift)
    set(\.uniformTimesteps, uniformTimesteps)
    set(\.lateLoss, lateLoss)
    set(\.equivariance, equivariance)
    set(\.textures, textures)
    if let muonLearningRate { plan.setMuonLearningRate(muonLearningRate) }
    set(\.latentNoise, latentNoise)
    set(\.latentNoiseWide, latentNoiseWide)
    set(\.regeneratedLatents, regeneratedLatents)
    set(\.objectWeight, objectWeight)
    set(\.alignment, alignment)
    set(\.latentAlignment, latentAlignment)
    set(\.poolSize, poolSize)
    set(\.poolRenewal, poolRenewal)
  }
}

extension Prediction: ExpressibleByArgument {}
extension DiffusionLoss.LossType: ExpressibleByArgument {}

/// Names of stages, separated by commas.
struct StageList: ExpressibleByArgument {
  let stages: [TrainingPlan.Stage]

  init?(argument: String) {
    let names = argument.split(separator: ",")
    stages = names.compactMap { name in
      TrainingPlan.Stage.allCases.first { $0.name == name } ?? TrainingPlan.Stage(rawValue: String(name))
    }
    if stages.isEmpty || stages.count != names.count { return nil }
  }
}

/// Widths of super-resolution levels, separated by commas.
struct WidthList: ExpressibleByArgument {
  let widths: [Int]

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    widths = parts.compactMap { $0 }
    if widths.count != parts.count { return nil }
  }
}

/// Relative widths of EMAs, separated by commas.
struct EMASigmas: ExpressibleByArgument {
  let values: [Double]

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
    let values = parts.compactMap { $0 }
    // Power-function EMAs have widths below 0.289.
    guard values.count == parts.count, Set(values).count == values.count, values.allSatisfy((0...0.28).contains) else {
      return nil
    }
    self.values = values
  }
}
