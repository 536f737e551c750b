import Flux
import Foundation
import NN
import Runs
import Support
import Torch

/// What a run saves of a student, beside log and checkpoints.
///
///     fast/        the student so far, with EMA weights
///
/// The trajectories that batches are drawn from are part of a checkpoint: those that follow the student's own steps cannot
/// be made again once it has learned more.
extension Distiller: TrainingLoop {
  public var identity: PlanIdentity { PlanIdentity(plan) }
  public var stepCount: Int { plan.steps }
  /// The horizon of AdamW's second moments, or the warmup if that is longer.
  public var restartSteps: Int { max(plan.warmup, 100) }

  /// The LoRA and its EMA.
  public var weights: [NamedTensor] {
    student.lora.parameters + ema.parameters.map { ("average.\($0.key)", $0.tensor) }
  }
  public var moments: [NamedTensor] { optimizer.state }
  public var buffers: [NamedTensor] { pool.state }
  public var metadata: [String: String] { ["trajectories": "\(made),\(pool.added)"] }

  /// Takes over the trajectories; those of a checkpoint without them are made from here on.
  public func resume(_ checkpoint: TrainingCheckpoint.Contents) throws {
    let counts = checkpoint.tensors.metadata["trajectories"]?.split(separator: ",").compactMap { Int($0) } ?? []
    if counts.count == 2, try pool.restore(from: checkpoint.tensors, added: counts[1], shape: shape, device) {
      made = counts[0]
    } else {
      skip(to: checkpoint.record.step)
    }
  }

  // MARK: - Steps

  /// There is one stage.
  public func stage(at step: Int) -> String { "distillation" }

  /// Measures the student at the start of a run.
  public func begin(at step: Int, _ log: TrainingLog) throws {
    if step == 0 { try measure(0, log) }
  }

  /// Runs a step and returns its loss.
  public func takeStep(_ step: Int) throws -> [String: Double] { ["distillation": try train(step)] }

  // MARK: - Results

  /// Writes the student with EMA weights, as `Pipeline` reads it.
  public func saveModel(in folder: URL) throws {
    try saveStudent(to: folder.appendingPathComponent(FastStudent.folderName))
  }

  /// Measures the student at every checkpoint.
  public func report(after step: Int, isSaved: Bool, in folder: URL, _ log: TrainingLog) throws {
    if isSaved { try measure(step, log) }
  }

  /// Writes the student with EMA weights to a folder of that path.
  public func saveStudent(to folder: URL) throws {
    try ema.withEMAWeights {
      try FastStudent.save(
        student.lora,
        FastStudent.Configuration(
          steps: plan.studentSteps, guidance: plan.guidance, teacherSteps: plan.teacherSteps,
          modelHash: plan.modelHash, sharpness: plan.sharpness), to: folder)
    }
  }

  private func measure(_ step: Int, _ log: TrainingLog) throws {
    let shares = validationError()
    let (mean, median) = (String(format: "%.2f", 100 * shares.mean), String(format: "%.2f", 100 * shares.median))
    try log.say(
      "step \(step): from the teacher's latents the student's differ by \(mean) % (mean square), half of them by less"
        + " than \(median) %", stage: "distillation", step: step)
  }
}
