import Diffusion
import Optimizers

/// All settings of a distillation run: runs with equal plans give equal students on the same machine.
public struct DistillationPlan: Codable, Sendable, Equatable {
  public var modelHash: String  // of the teacher
  public var captions: String  // identifies the captions, so that a run is not continued with others
  public var studentSteps: Int
  public var teacherSteps: Int  // per student step
  public var guidance: Guidance  // of the teacher
  public var rank: Int  // of the LoRA
  public var steps: Int  // of training
  public var batch: Int
  public var seed: UInt64
  public var learningRate: Double  // peak
  public var bfloat16: Bool  // mixed precision
  /// Fraction of the trajectories that continue from the end of the student's own steps instead of the teacher's.
  public var onPolicyShare = 0.5
  public var poolSize = 512  // trajectories in the buffer
  public var reuse = 4.0  // average number of times that each step of a trajectory is used
  public var warmup = 50  // steps
  public var cooldown = 0.5  // fraction of the run, at its end, over which the learning rate decays to zero
  public var ema = 0.05  // relative width σ_rel of the EMA

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
  static let chunk = 32

  /// Chunks added to the buffer before a step: some at the start, then as many as the batches use up.
  func chunks(before step: Int) -> Int {
    let used = Double(step * batch) / (Double(studentSteps) * reuse)
    return min(4, max(1, poolSize / Self.chunk)) + Int(used) / Self.chunk
  }
}
