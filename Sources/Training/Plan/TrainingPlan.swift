import Diffusion
import Flux
import Optimizers

/// Everything that decides a training run: two runs with equal plans give equal weights on one machine.
public struct TrainingPlan: Codable, Sendable, Equatable {
  /// The stages of a run, in order.
  ///
  /// Each builds on what those before it left.
  public enum Stage: String, Codable, CodingKeyRepresentable, Sendable, CaseIterable {
    /// Encoder and decoder learn to reconstruct windows near objects.
    case autoencoder
    /// One step trains both: the autoencoder on whole pictures, and the U-Net on its moving latents (stop-gradient).
    case joint
    /// The levels above the core size learn on full-size crops; all else is frozen from here on, so that every
    /// checkpoint of the long last stage is a whole model.
    case superResolution
    /// Decoder and the levels above it learn on, at full size; the encoder is frozen, so that latents stay what a U-Net
    /// knows. Only where it is asked for.
    case decoder
    /// U-Net and adapter learn on a pool of the frozen encoder's latents.
    case diffusion
  }

  /// How much of a run a stage has: its share of the steps, and the pictures in each of them.
  public struct Part: Codable, Sendable, Equatable {
    public var share: Double  // of the steps; the shares of a plan add up to 1
    public var batch: Int  // pictures in a step
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
  public var data: String  // names what is learnt from, so that a run is not continued on something else
  public var knowsObjects: Bool  // whether the data say what stands in each cell of a picture
  public var start: String?  // hash of the model that the run starts from, whose autoencoder stays as it is
  public var anew: Bool  // of that model only the autoencoder is taken
  public var prediction: Prediction  // what the U-Net's output means
  public var parts: [Stage: Part]  // stages that a run does not have are missing
  public var steps: Int  // over all stages
  public var accumulation: Int  // the pieces that a batch is cut into, for less memory
  public var seed: UInt64
  public var autoencoderRate: Double  // learning rates at their highest
  public var diffusionRate: Double
  public var weightDecay: Double
  public var secondBeta: Double  // of AdamW: how long it remembers the gradient's size
  public var warmup: Int  // steps
  public var cooldown: Double  // share of a stage's end over which the rate falls to zero
  public var captionDropout: Double  // share of captions replaced by the empty one, for guidance
  public var averages: [Double]  // lengths of the moving averages of U-Net and adapter, as shares of the run; 0 is none
  public var distance: DiffusionLoss.Distance
  public var lastDistance: DiffusionLoss.Distance?  // takes its place while the rate falls
  public var minSNR: Double?  // signal to noise ratio above which times weigh no more
  public var timeShift: Double  // of the noise levels that are trained on, towards pure noise; 1 is even
  public var evenTimes = 0.0  // share of the samples whose noise levels are even all the same
  public var gradientLimit: Double  // gradients are scaled down to this norm
  public var latentNoise: Double  // always added to the latents that decoder and U-Net see
  public var latentNoiseWide: Double  // deviation of the extra noise that half the decoder's latents get
  public var objectWeight: Double  // how much more the denoising loss counts cells with an object
  public var alignment: Double  // weight of the losses that ask U-Net and adapter for the objects' names
  public var latentAlignment: Double  // weight of the loss that asks the latents for them
  public var poolSize: Int  // latents kept for the U-Net
  public var poolRenewal: Int  // of them replaced by new pictures per step
  public var bfloat16: Bool  // matrix products in bf16, weights and sums in float32
  public var gradientCheckpointing = false  // layers are computed again for the gradients, for less memory
  public var autoencoderMuon: MuonSettings?  // nil: AdamW for every parameter of encoder and decoder
  public var diffusionMuon: MuonSettings?  // nil: AdamW for every parameter of U-Net and adapter
  /// Share of the autoencoder's steps after which its loss counts absolute differences (`AutoencoderLoss.Kind.late`).
  public var lateLoss = 1.0
  public var equivariance = 0.0  // weight of the reconstruction of halved images from halved latents
  public var textures = 0.0  // share of the autoencoder's images that are textures instead of scenes

  /// Gives Muon a learning rate; 0 leaves every parameter to AdamW.
  public mutating func setMuonRate(_ rate: Double) {
    func changed(_ settings: MuonSettings?, decay: Double) -> MuonSettings? {
      rate == 0 ? nil : MuonSettings(learningRate: rate, weightDecay: settings?.weightDecay ?? decay)
    }
    autoencoderMuon = changed(autoencoderMuon, decay: 0.5)
    diffusionMuon = changed(diffusionMuon, decay: 0.1)
  }

  /// The steps at which the stages end, in order, where a run was lengthened: those it had begun stay what they were.
  var stageEnds: [Int]?

  /// Every setting; `stageEnds` is where a run stands, not what it is.
  private enum CodingKeys: String, CodingKey {
    case profile, preset, data, knowsObjects, start, anew, prediction, parts, steps, accumulation, seed
    case autoencoderRate, diffusionRate, weightDecay, secondBeta, warmup, cooldown, captionDropout, averages, distance
    case lastDistance, minSNR, timeShift, evenTimes, gradientLimit, latentNoise, latentNoiseWide, objectWeight
    case alignment, latentAlignment, poolSize, poolRenewal, bfloat16, gradientCheckpointing, autoencoderMuon
    case diffusionMuon, lateLoss, equivariance, textures
  }

  /// Keeps the ends of all stages but the last, which gets the further steps.
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

  /// Pictures in a step of a stage.
  public func batch(of stage: Stage) -> Int { parts[stage]?.batch ?? 0 }

  /// The steps in which U-Net and adapter learn.
  var denoiserSteps: Range<Int> { range(over: [.joint, .diffusion]) }

  /// The distance that the denoising loss measures in a step.
  func distance(at step: Int) -> DiffusionLoss.Distance {
    let steps = denoiserSteps
    let falls = Double(steps.upperBound - step) <= cooldown * Double(steps.count)
    return falls ? lastDistance ?? distance : distance
  }

  /// Learning rate as a share of the highest at a step of `range`.
  func rate(at step: Int, in range: Range<Int>) -> Double {
    LearningRate(warmup: warmup, decay: .linear(share: cooldown)).share(at: step, in: range)
  }
}
