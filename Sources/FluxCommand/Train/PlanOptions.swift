import ArgumentParser
import Diffusion
import Training

/// Everything in which a run may differ from its profile, each by a flag of its own.
struct PlanOptions: ParsableArguments {
  @Option(
    help: """
      Stages to run, with commas between: autoencoder, joint, superResolution, decoder, diffusion (default: all but \
      decoder, which paints better what a frozen encoder made).
      """)
  var stages: StageList?
  @Option(help: "Learning rate of encoder and decoder at its highest.") var autoencoderRate: Double?
  @Option(help: "Learning rate of U-Net and adapter at its highest.") var diffusionRate: Double?
  @Option(help: "Weight decay of AdamW.") var weightDecay: Double?
  @Option(
    help:
      "Learning rate of Muon, which trains the hidden matrices of presets with a palette decoder; 0 is AdamW instead."
  )
  var muonRate: Double?
  @Option(help: "Share of the autoencoder's steps after which its loss counts absolute differences; 1 is never.")
  var lateLoss: Double?
  @Option(help: "Weight of reconstructing halved images from halved latents.") var equivariance: Double?
  @Option(help: "Share of the autoencoder's images that are textures instead of scenes.") var textures: Double?
  @Option(help: "Second β of AdamW: how long it remembers the gradient's size.") var secondBeta: Double?
  @Option(help: "Norm that gradients are scaled down to; 0 is no limit.") var gradientLimit: Double?
  @Option(help: "Steps over which the rate rises.") var warmup: Int?
  @Option(help: "Share of a stage's end over which the rate falls to zero.") var cooldown: Double?
  @Option(help: "Share of captions that are left out, which guidance needs.") var captionDropout: Double?
  @Option(
    help: """
      Lengths of the averages of U-Net and adapter, as shares of the run (0.05,0.1; 0 is the weights themselves): the \
      first is saved as model/, the others at the end as model-average-LENGTH/.
      """)
  var averages: Lengths?
  @Option(help: "What the U-Net predicts: epsilon, v_prediction or sample.") var prediction: Prediction?
  @Option(help: "Distance between prediction and target: l1, l2 or huber.") var distance: DiffusionLoss.Distance?
  @Option(help: "The distance that takes its place while the rate falls.") var lastDistance: DiffusionLoss.Distance?
  @Option(help: "Signal to noise ratio above which a noise level weighs no more (min-SNR; 5 is usual); 0 is none.")
  var minSNR: Double?
  @Option(help: "How far noise levels lean towards noise; 1 is even.") var timeShift: Double?
  @Option(help: "Share of the samples whose noise levels are even in spite of --time-shift.") var evenTimes: Double?
  @Option(help: "Noise that is always added to latents.") var latentNoise: Double?
  @Option(help: "More noise for half of the latents that the decoder sees.") var latentNoiseWide: Double?
  @Option(help: "How much more cells with an object count (Scenes only).") var objectWeight: Double?
  @Option(help: "Weight of the heads that name objects from U-Net features and captions (Scenes only).")
  var alignment: Double?
  @Option(help: "Weight of the head that names objects from latents (Scenes only).") var latentAlignment: Double?

  @Option(help: "Latents that are kept for the U-Net's batches.") var poolSize: Int?
  @Option(help: "New pictures that enter the pool at every step; 0 keeps the first ones.") var poolRenewal: Int?

  func validate() throws {
    func check(_ flag: String, _ value: Double?, _ range: ClosedRange<Double>) throws {
      guard let value, !range.contains(value) else { return }
      let bounds =
        range.upperBound == .greatestFiniteMagnitude
        ? "at least \(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
      throw ValidationError("--\(flag) \(value) must be \(bounds)")
    }
    let positive = 0...Double.greatestFiniteMagnitude
    for (flag, value) in [
      ("autoencoder-rate", autoencoderRate), ("diffusion-rate", diffusionRate), ("weight-decay", weightDecay),
      ("gradient-limit", gradientLimit), ("latent-noise", latentNoise), ("latent-noise-wide", latentNoiseWide),
      ("object-weight", objectWeight), ("alignment", alignment), ("latent-alignment", latentAlignment),
      ("muon-rate", muonRate), ("equivariance", equivariance), ("time-shift", timeShift), ("min-snr", minSNR),
      ("warmup", warmup.map(Double.init)),
    ] { try check(flag, value, positive) }
    try check("second-beta", secondBeta, 0...0.999_999)
    for (flag, value) in [
      ("cooldown", cooldown), ("caption-dropout", captionDropout), ("late-loss", lateLoss),
      ("textures", textures), ("even-times", evenTimes),
    ] {
      try check(flag, value, 0...1)
    }
    if let poolSize, poolSize < 1 { throw ValidationError("--pool-size \(poolSize) must be at least 1") }
    if let poolRenewal, poolRenewal < 0 {
      throw ValidationError("--pool-renewal \(poolRenewal) must not be negative")
    }
    if timeShift == 0 { throw ValidationError("--time-shift must be above 0") }
  }

  /// Puts what was given in the place of the profile's numbers.
  func apply(to plan: inout TrainingPlan) throws(Failure) {
    // Heads without labels would get no gradient.
    if !plan.knowsObjects, textures ?? 0 > 0 {
      throw Failure("--textures is about scenes, not about pictures", code: 2)
    }
    if !plan.knowsObjects, objectWeight != nil || alignment != nil || latentAlignment != nil {
      throw Failure("--object-weight, --alignment and --latent-alignment are about scenes, not about pictures", code: 2)
    }
    if let stages {
      do throws(TrainingError) {
        try plan.keep(stages.stages)
      } catch { throw Failure(error.description, code: 2) }
    }
    func set<T>(_ field: WritableKeyPath<TrainingPlan, T>, _ value: T?) {
      if let value { plan[keyPath: field] = value }
    }
    set(\.autoencoderRate, autoencoderRate)
    set(\.diffusionRate, diffusionRate)
    set(\.weightDecay, weightDecay)
    set(\.secondBeta, secondBeta)
    set(\.gradientLimit, gradientLimit.map { $0 == 0 ? .greatestFiniteMagnitude : $0 })
    set(\.warmup, warmup)
    set(\.cooldown, cooldown)
    set(\.captionDropout, captionDropout)
    set(\.averages, averages?.values)
    set(\.prediction, prediction)
    set(\.distance, distance)
    if let lastDistance { plan.lastDistance = lastDistance }
    if let minSNR { plan.minSNR = minSNR == 0 ? nil : minSNR }
    set(\.timeShift, timeShift)
    set(\.evenTimes, evenTimes)
    set(\.lateLoss, lateLoss)
    set(\.equivariance, equivariance)
    set(\.textures, textures)
    if let muonRate { plan.setMuonRate(muonRate) }
    set(\.latentNoise, latentNoise)
    set(\.latentNoiseWide, latentNoiseWide)
    set(\.objectWeight, objectWeight)
    set(\.alignment, alignment)
    set(\.latentAlignment, latentAlignment)
    set(\.poolSize, poolSize)
    set(\.poolRenewal, poolRenewal)
  }
}

extension Prediction: ExpressibleByArgument {}
extension DiffusionLoss.Distance: ExpressibleByArgument {}

/// Names of stages as people type them, with commas between.
struct StageList: ExpressibleByArgument {
  let stages: [TrainingPlan.Stage]

  init?(argument: String) {
    let names = argument.split(separator: ",")
    stages = names.compactMap { TrainingPlan.Stage(rawValue: String($0)) }
    if stages.isEmpty || stages.count != names.count { return nil }
  }
}

/// Lengths of averages, separated by commas.
struct Lengths: ExpressibleByArgument {
  let values: [Double]

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
    let values = parts.compactMap { $0 }
    // 0.28 is near the widest that a power function can be.
    guard values.count == parts.count, Set(values).count == values.count, values.allSatisfy((0...0.28).contains) else {
      return nil
    }
    self.values = values
  }
}
