import Diffusion
import Flux

/// Everything that decides a training run: two runs with equal plans give equal weights on one machine.
public struct TrainingPlan: Codable, Sendable, Equatable {
  /// The stages of a run, in order.
  ///
  /// Each builds on what those before it left.
  public enum Stage: String, Codable, Sendable, CaseIterable {
    /// Encoder and decoder learn to reconstruct windows near objects.
    case autoencoder
    /// One step trains both: the autoencoder on whole pictures, and the U-Net on its moving latents (stop-gradient).
    case joint
    /// The levels above the core size learn on full-size crops; all else is frozen from here on, so that every
    /// checkpoint of the long last stage is a whole model.
    case superResolution
    /// U-Net and adapter learn on a pool of the frozen encoder's latents.
    case diffusion
  }

  public var preset: Preset
  public var start: String?  // hash of the model that the run starts from, whose autoencoder stays as it is
  public var steps: Int  // over all stages
  public var batch: Int  // scenes in a U-Net step; autoencoder steps take half, joint steps a quarter
  public var seed: UInt64
  public var shares: [Stage: Double]  // of the steps; they add up to 1
  public var autoencoderRate: Double  // learning rates at their highest
  public var diffusionRate: Double
  public var weightDecay: Double
  public var warmup: Int  // steps
  public var cooldown: Double  // share of a stage's end over which the rate falls to zero
  public var captionDropout: Double  // share of captions replaced by the empty one, for guidance
  public var averageDecay: Double  // of the exponential moving average of U-Net and adapter
  public var distance: DiffusionLoss.Distance
  public var timeShift: Double  // of the noise levels that are trained on, towards pure noise
  public var gradientLimit: Double  // gradients are scaled down to this norm
  public var latentNoise: Double  // always added to the latents that the decoder sees
  public var latentNoiseWide: Double  // deviation of the extra noise that half the latents get
  public var objectWeight: Double  // how much more the denoising loss counts cells with an object
  public var alignment: Double  // weight of the losses that ask U-Net and adapter for the objects' names
  public var latentAlignment: Double  // weight of the loss that asks the latents for them
  public var poolSize: Int  // latents kept for the U-Net
  public var poolRenewal: Int  // of them replaced by new scenes per step
  public var bfloat16: Bool  // matrix products in bf16, weights and sums in float32

  /// The plan that a preset is trained with unless told otherwise; one that starts from a model has the last stage only.
  public init(
    preset: Preset, steps: Int? = nil, batch: Int? = nil, seed: UInt64 = 0, bfloat16: Bool = false,
    start: ModelSource? = nil
  ) {
    let small = preset == .tiny
    self.preset = preset
    self.steps = steps ?? (small ? 200 : 8000)
    self.batch = batch ?? (small ? 16 : 64)
    self.seed = seed
    self.start = start?.hash
    shares =
      start == nil
      ? [.autoencoder: 0.22, .joint: 0.055, .superResolution: 0.025, .diffusion: 0.7] : [.diffusion: 1]
    autoencoderRate = small ? 2e-3 : 1e-3
    diffusionRate = small ? 2e-3 : 1e-3
    weightDecay = 1e-5
    warmup = small ? 10 : 100
    cooldown = 0.4
    captionDropout = 0.1
    averageDecay = small ? 0.98 : 0.999
    distance = .l2
    timeShift = 2
    gradientLimit = 1
    latentNoise = 0.1
    latentNoiseWide = 0.4
    objectWeight = 2
    alignment = 0.1
    latentAlignment = 0.03
    poolSize = small ? 256 : 8192
    poolRenewal = small ? 4 : 6
    self.bfloat16 = bfloat16
  }

  /// The steps that belong to a stage.
  public func range(of stage: Stage) -> Range<Int> {
    var start = 0.0
    for other in Stage.allCases {
      let share = shares[other] ?? 0
      if other == stage {
        let end = stage == Stage.allCases.last ? steps : Int(((start + share) * Double(steps)).rounded())
        return Int((start * Double(steps)).rounded())..<max(end, Int((start * Double(steps)).rounded()))
      }
      start += share
    }
    return 0..<0
  }

  /// The stage that a step belongs to.
  public func stage(at step: Int) -> Stage {
    Stage.allCases.first { range(of: $0).contains(step) } ?? .diffusion
  }

  /// Learning rate as a share of the highest: a linear rise, a plateau, a linear fall over the last steps of `range`.
  func rate(at step: Int, in range: Range<Int>) -> Double {
    let done = Double(step - range.lowerBound)
    let rise = min(1, (done + 1) / Double(max(warmup, 1)))
    let falling = cooldown * Double(range.count)
    return rise * min(1, (Double(range.count) - done) / max(falling, 1))
  }
}
