import ArgumentParser
import Diffusion
import Training

/// Everything in which a run may differ from its profile, each by a flag of its own.
struct PlanOptions: ParsableArguments {
  @Option(help: "Learning rate of encoder and decoder at its highest.") var autoencoderRate: Double?
  @Option(help: "Learning rate of U-Net and adapter at its highest.") var diffusionRate: Double?
  @Option(help: "Weight decay of AdamW.") var weightDecay: Double?
  @Option(help: "Second β of AdamW: how long it remembers the gradient's size.") var secondBeta: Double?
  @Option(help: "Norm that gradients are scaled down to.") var gradientLimit: Double?
  @Option(help: "Steps over which the rate rises.") var warmup: Int?
  @Option(help: "Share of a stage's end over which the rate falls to zero.") var cooldown: Double?
  @Option(help: "Share of captions that are left out, which guidance needs.") var captionDropout: Double?
  @Option(help: "Decay of the average of weights; 0 is none.") var averageDecay: Double?
  @Option(help: "Distance between prediction and target: l1, l2 or huber.") var distance: DiffusionLoss.Distance?
  @Option(help: "How far noise levels lean towards noise; 1 is even.") var timeShift: Double?
  @Option(help: "Noise that is always added to latents.") var latentNoise: Double?
  @Option(help: "More noise for half of the latents that the decoder sees.") var latentNoiseWide: Double?
  @Option(help: "How much more cells with an object count (Scenes only).") var objectWeight: Double?
  @Option(help: "Weight of the heads that name objects from U-Net features and captions (Scenes only).")
  var alignment: Double?
  @Option(help: "Weight of the head that names objects from latents (Scenes only).") var latentAlignment: Double?

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
      ("time-shift", timeShift), ("warmup", warmup.map(Double.init)),
    ] { try check(flag, value, positive) }
    for (flag, value) in [("second-beta", secondBeta), ("average-decay", averageDecay)] {
      try check(flag, value, 0...0.999_999)
    }
    for (flag, value) in [("cooldown", cooldown), ("caption-dropout", captionDropout)] {
      try check(flag, value, 0...1)
    }
    if timeShift == 0 { throw ValidationError("--time-shift must be above 0") }
  }

  /// Puts what was given in the place of the profile's numbers.
  func apply(to plan: inout TrainingPlan) throws(Failure) {
    // Heads without labels would get no gradient.
    if !plan.knowsObjects, objectWeight != nil || alignment != nil || latentAlignment != nil {
      throw Failure("--object-weight, --alignment and --latent-alignment are about scenes, not about pictures", code: 2)
    }
    func set<T>(_ field: WritableKeyPath<TrainingPlan, T>, _ value: T?) {
      if let value { plan[keyPath: field] = value }
    }
    set(\.autoencoderRate, autoencoderRate)
    set(\.diffusionRate, diffusionRate)
    set(\.weightDecay, weightDecay)
    set(\.secondBeta, secondBeta)
    set(\.gradientLimit, gradientLimit)
    set(\.warmup, warmup)
    set(\.cooldown, cooldown)
    set(\.captionDropout, captionDropout)
    set(\.averageDecay, averageDecay)
    set(\.distance, distance)
    set(\.timeShift, timeShift)
    set(\.latentNoise, latentNoise)
    set(\.latentNoiseWide, latentNoiseWide)
    set(\.objectWeight, objectWeight)
    set(\.alignment, alignment)
    set(\.latentAlignment, latentAlignment)
  }
}

extension DiffusionLoss.Distance: ExpressibleByArgument {}
