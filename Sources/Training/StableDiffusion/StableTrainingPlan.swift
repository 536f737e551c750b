import Diffusion
import Flux
import Models
import Support

/// All settings of the training of a LoRA for a model of Stable Diffusion's family: runs with equal plans give equal factors
/// on the same machine.
///
/// The defaults are those of diffusers' `train_text_to_image_lora.py`: AdamW with a constant learning rate, a limit of the
/// gradient's norm, and the mean squared error of what the model predicts.
public struct StableTrainingPlan: ModelConfiguration, Equatable {
  /// Hash of the model.
  public var start: String
  /// Identifies the data, so that a run is not continued on other data.
  public var data: String
  /// Images for prior preservation; nil trains without.
  public var regularization: Regularization?
  /// True crops images to the nearest of several shapes instead of squares; nil does not.
  public var aspectBuckets: Bool?
  /// The meaning of the U-Net's output, where the model's files do not say it.
  public var prediction: Prediction?
  /// The networks that are trained: the U-Net, the text encoders, or both.
  public var trained: [TrainingPlan.Network]
  /// Rank, alpha and layers of the LoRA.
  public var lora: TrainingPlan.LoRASettings
  /// Side of the training images, in pixels.
  public var size: Int
  /// Number of training steps.
  public var steps: Int
  /// Number of images per step.
  public var batch: Int
  /// Number of micro-batches per step (gradient accumulation).
  public var accumulation = 1
  /// Seed of the initial factors and of all randomness in the steps.
  public var seed: UInt64
  /// Peak learning rate of the U-Net.
  public var learningRate = 1e-4
  /// Peak learning rate of the text encoders; nil is half of the U-Net's.
  public var textEncoderLearningRate: Double?
  /// Decoupled weight decay of AdamW.
  public var weightDecay = 1e-2
  /// β₂ of AdamW.
  public var beta2 = 0.999
  /// Norm above which gradients are scaled down (gradient clipping).
  public var maxGradNorm = 1.0
  /// Number of steps of linear warmup.
  public var warmup = 0
  /// Fraction of the steps, at the end, over which the learning rate decays to zero.
  public var cooldown = 0.0
  /// Fraction of captions replaced by the empty prompt, for guidance.
  public var captionDropout = 0.1
  /// The type of the denoising loss.
  public var lossType = DiffusionLoss.LossType.l2
  /// γ of min-SNR weighting; nil weighs all timesteps equally.
  public var minSNR: Double?
  /// Computes the networks in bfloat16 mixed precision.
  public var bfloat16 = false
  /// Recomputes activations in the backward pass, which takes less memory and more time.
  public var gradientCheckpointing = false

  /// Images that the model is to keep generating, besides those it learns: prior preservation (DreamBooth, Ruiz et al.,
  /// 2022, arXiv 2208.12242).
  public struct Regularization: Codable, Sendable, Equatable {
    /// Identifies the images.
    public let data: String
    /// Weight of their loss; that of the training images has 1.
    public var weight: Double

    /// Regularization on data, with a weight of 1 unless given.
    public init(_ data: TrainingData, weight: Double = 1) { (self.data, self.weight) = (data.name, weight) }
  }

  /// A plan with the default settings.
  public init(
    start: ModelSource, data: TrainingData, lora: TrainingPlan.LoRASettings, size: Int,
    trained: Set<TrainingPlan.Network> = [.unet], steps: Int = 1000, batch: Int = 1, seed: UInt64 = 0
  ) {
    (self.start, self.data, self.lora, self.size) = (start.hash, data.name, lora, size)
    self.trained = TrainingPlan.Network.allCases.filter(trained.contains)
    (self.steps, self.batch, self.seed) = (steps, batch, seed)
  }

  /// Whether the text encoders learn, so that captions are encoded in the step rather than once.
  public var trainsTextEncoder: Bool { trained.contains(.textEncoder) }
  /// Whether the U-Net learns.
  public var trainsUNet: Bool { trained.contains(.unet) }

  /// Peak learning rate of a network.
  func learningRate(of network: LoRANetwork) -> Double {
    network == .unet ? learningRate : textEncoderLearningRate ?? learningRate / 2
  }

  /// Throws for the first setting that cannot be used.
  public func validate() throws(ConfigurationError) {
    if trained.isEmpty || trained.contains(.adapter) {
      throw ConfigurationError(
        "train", trained.map(\.rawValue).joined(separator: ","),
        expected: "unet, text-encoder or both: a model of Stable Diffusion has no adapter")
    }
    try require("lora rank", lora.rank, in: 1...4096)
    try require("size", size, in: ConfigurationLimit.imageSide)
    try require("steps", steps, in: 1...1 << 40)
    try require("batch", batch, in: 1...1 << 20)
    try require("accumulation", accumulation, in: 1...batch)
    let rates = [learningRate, textEncoderLearningRate].compactMap { $0 }
    if let rate = rates.first(where: { !($0 > 0 && $0.isFinite) }) {
      throw ConfigurationError("learning rate", rate.shown, expected: "more than 0: leave out of train what is frozen")
    }
    if let weight = regularization?.weight, !(weight > 0 && weight.isFinite) {
      throw ConfigurationError("regularization weight", weight.shown, expected: "more than 0")
    }
    try require("caption dropout", captionDropout, in: 0...1)
    try require("cooldown", cooldown, in: 0...1)
  }
}
