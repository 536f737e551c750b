import Diffusion
import Optimizers

/// All settings of a distillation run: runs with equal plans give equal students on the same machine.
public struct DistillationPlan: Codable, Sendable, Equatable {
  /// `ModelSource.hash` of the teacher.
  public var modelHash: String
  /// Identifies the captions, so that a run is not continued with others.
  public var captions: String
  /// SHA-256 of the LoRA that the student begins as; nil if it begins as the teacher without guidance.
  public var start: String?
  /// Number of DDIM steps that the student samples with.
  public var studentSteps: Int
  /// Number of teacher steps per student step.
  public var teacherSteps: Int
  /// The guidance of the teacher, which the student learns to do without.
  public var guidance: Guidance
  /// Rank of the LoRA.
  public var rank: Int
  /// Number of training steps.
  public var steps: Int
  /// Batch size: each row is a random student step of a random trajectory in the buffer.
  public var batch: Int
  /// Seed of the LoRA, the noise and the batches.
  public var seed: UInt64
  /// Peak learning rate of AdamW.
  public var learningRate: Double
  /// Computes both networks in bfloat16 mixed precision.
  public var bfloat16: Bool
  /// Fraction of the trajectories that continue from the end of the student's own steps instead of the teacher's.
  public var onPolicyShare = 0.5
  /// Number of trajectories in the buffer.
  public var poolSize = 512
  /// Average number of times that each step of a trajectory is used.
  public var reuse = 4.0
  /// Number of trajectories that the teacher samples together; nil is 32.
  public var teacherBatch: Int?
  /// Sharpness of the palette decoder for the student's images; nil is the model's own.
  ///
  /// It has no effect on training.
  public var sharpness: Double?
  /// Number of steps of linear warmup.
  public var warmup = 50
  /// Fraction of the run, at its end, over which the learning rate decays to zero.
  public var cooldown = 0.5
  /// Relative width σ_rel of the EMA of the LoRA (Karras et al., 2024).
  public var ema = 0.05

  /// A plan with the given settings; the others have defaults.
  public init(
    modelHash: String, captions: String, studentSteps: Int = 4, teacherSteps: Int = 4,
    guidance: Guidance = Guidance(scale: 3), rank: Int = 32, steps: Int = 1000, batch: Int = 32, seed: UInt64 = 0,
    learningRate: Double = 1e-3, bfloat16: Bool = false
  ) {
    self.modelHash = modelHash
    self.captions = captions
    self.studentSteps = studentSteps
    self.teacherSteps = teacherSteps
    self.guidance = guidance
    self.rank = rank
    self.steps = steps
    self.batch = batch
    self.seed = seed
    self.learningRate = learningRate
    self.bfloat16 = bfloat16
  }

  /// Learning rate at a step: linear warmup, plateau, linear decay.
  func learningRate(at step: Int) -> Double {
    learningRate * LearningRate(warmup: warmup, decay: .linear(share: cooldown)).share(at: step, in: 0..<steps)
  }

  /// Trajectories sampled together.
  var chunk: Int { teacherBatch ?? 32 }

  /// Chunks added to the buffer before a step: some at the start, then as many as the batches use up.
  func chunks(before step: Int) -> Int {
    let used = Double(step * batch) / (Double(studentSteps) * reuse)
    return min(4, max(1, poolSize / chunk)) + Int(used) / chunk
  }
}
