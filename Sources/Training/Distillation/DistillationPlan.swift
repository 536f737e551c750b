import Diffusion
import Optimizers

/// Everything that decides a distillation: two with equal plans give equal students on one machine.
public struct DistillationPlan: Codable, Sendable, Equatable {
  public var modelHash: String  // of the teacher
  public var captions: String  // names what is drawn, so that a run is not continued on something else
  public var studentSteps: Int
  public var teacherSteps: Int  // for each of the student's
  public var guidance: Guidance  // of the teacher
  public var rank: Int  // of the LoRA
  public var steps: Int  // of training
  public var batch: Int
  public var seed: UInt64
  public var rate: Double  // learning rate at its highest
  public var bfloat16: Bool  // matrix products in bf16, weights and sums in float32
  /// Share of the paths that go on from where the student's own step ended, and not the teacher's: there it will be.
  public var ownPaths = 0.5
  public var poolSize = 512  // paths that batches are drawn from
  public var reuse = 4.0  // how often each step of a path is learnt from, on average
  public var warmup = 50  // steps over which the rate rises
  public var cooldown = 0.5  // share of the run's end over which it falls to zero
  public var average = 0.05  // length of the moving average, as a share of the run

  public init(
    modelHash: String, captions: String, studentSteps: Int = 4, teacherSteps: Int = 4,
    guidance: Guidance = Guidance(scale: 3), rank: Int = 32, steps: Int = 1000, batch: Int = 32, seed: UInt64 = 0,
    rate: Double = 1e-3, bfloat16: Bool = false
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
    self.rate = rate
    self.bfloat16 = bfloat16
  }

  /// Learning rate at a step.
  func rate(at step: Int) -> Double {
    rate * LearningRate(warmup: warmup, decay: .linear(share: cooldown)).share(at: step, in: 0..<steps)
  }

  /// Paths drawn together.
  static let chunk = 32

  /// Chunks that the pool has got before a step: some to begin with, then as many as the batches use up.
  func chunks(before step: Int) -> Int {
    let used = Double(step * batch) / (Double(studentSteps) * reuse)
    return min(4, max(1, poolSize / Self.chunk)) + Int(used) / Self.chunk
  }
}
