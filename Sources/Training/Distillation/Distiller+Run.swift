import Flux
import Foundation
import NN
import Support
import Torch

// The loop, and what it leaves in its folder.

extension Distiller {
  private static let checkpointName = "checkpoint"

  /// Runs the steps that are left, until `shouldStop` says so; asked before every step.
  ///
  /// The folder gets `log.jsonl`, TensorBoard's event files, a checkpoint that the same plan continues from, and the
  /// student in `fast/`, each whole or not at all. What continues has the same weights, moments and rates; the pool of
  /// paths it fills anew.
  public func run(
    in folder: URL, saveEvery: Int = 100, quiet: Bool = true, shouldStop: () -> Bool = { false }
  ) throws -> TrainingRun.Outcome {
    let lock = try RunLock(folder)
    defer { withExtendedLifetime(lock) {} }
    let first = try load(from: folder) ?? 0
    skip(to: first)
    let log = try TrainingLog(folder: folder, step: first, total: plan.steps, quiet: quiet)
    func measure(_ step: Int) throws {
      let shares = validationError()
      let (mean, median) = (String(format: "%.2f", 100 * shares.mean), String(format: "%.2f", 100 * shares.median))
      try log.say(
        "step \(step): from the teacher's latents the student's differ by \(mean) % (mean square), half of them by less"
          + " than \(median) %", stage: "distillation", step: step)
    }
    if first == 0 { try measure(0) }
    var saved = first
    for step in first..<max(first, plan.steps) {
      if shouldStop() {
        if saved != step { try save(step, to: folder) }
        return .stopped(step: step)
      }
      try log.add(["distillation": train(step)], stage: "distillation", step: step + 1)
      guard (step + 1) % saveEvery == 0 || step + 1 == plan.steps else { continue }
      try save(step + 1, to: folder)
      try measure(step + 1)
      saved = step + 1
    }
    return .finished
  }

  /// Writes the student, averaged, as `Pipeline` reads it.
  public func saveStudent(to folder: URL) throws {
    try ema.withEMAWeights {
      try FastStudent.save(
        student.lora,
        FastStudent.Configuration(
          steps: plan.studentSteps, guidance: plan.guidance, teacherSteps: plan.teacherSteps,
          modelHash: plan.modelHash), to: folder)
    }
  }

  private func save(_ step: Int, to folder: URL) throws {
    let metadata = ["step": "\(step)", "plan": try PlanIdentity(plan).json()]
    try AtomicFolder.write(folder.appendingPathComponent(Self.checkpointName)) { url throws(CheckpointError) in
      try WeightSet.write(state, metadata: metadata, directory: url, name: "state", alwaysIndexed: true)
    }
    try saveStudent(to: folder.appendingPathComponent(FastStudent.folderName))
  }

  /// Copies the checkpoint, if there is one, and gives the number of steps it has done.
  private func load(from folder: URL) throws -> Int? {
    AtomicFolder.removeLeftovers(in: folder)
    let source = folder.appendingPathComponent(Self.checkpointName)
    guard FileManager.default.fileExists(atPath: source.path) else { return nil }
    let set = try WeightSet(source, name: "state", checking: .hashes)
    guard let step = set.metadata["step"].flatMap(Int.init),
      let stored = set.metadata["plan"].flatMap({ PlanIdentity(json: $0) })
    else { throw TrainingError.otherVersion(folder: folder.path) }
    let differences = PlanIdentity(plan).differences(from: stored)
    guard differences.isEmpty else { throw TrainingError.otherPlan(folder: folder.path, differences: differences) }
    for (key, tensor) in state {
      let value = try set.tensor(key, shape: tensor.shape)
      withNoGrad { tensor.copy_(value) }
    }
    return step
  }

  private var state: [NamedTensor] {
    student.lora.parameters + optimizer.state + ema.parameters.map { ("average.\($0.key)", $0.tensor) }
  }
}
