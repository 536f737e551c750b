import Foundation
import NN
import Support
import Torch

/// Everything that a run needs to continue: a folder of shards that appears whole or not at all.
///
///     checkpoint-00000200/state-00001-of-00085.safetensors …      each small enough to travel alone
///     checkpoint-00000200/state.safetensors.index.json            size and SHA-256 of each
enum TrainingCheckpoint {
  /// Where a run stands.
  struct Position: Equatable {
    var step: Int  // steps done
    /// The step at which the optimisers last began without moments, if they ever did.
    var restarted: Int?
  }

  /// What a checkpoint says beside its tensors.
  struct Record {
    let step: Int  // steps done
    let steps: Int  // of the whole run
    let identity: PlanIdentity
    let stageEnds: [Int]?
    let restarted: Int?

    /// Nil where something is missing or cannot be true: a step after the run's last, stages that end before they begin.
    init?(_ metadata: [String: String]) {
      let longest = 1 << 53  // shares of more steps are not exact
      guard let step = metadata["step"].flatMap({ Int($0) }), let plan = metadata["plan"],
        let identity = PlanIdentity(json: plan), let steps = identity.steps, 0 <= step, step <= steps, steps <= longest
      else { return nil }
      (self.step, self.steps, self.identity) = (step, steps, identity)
      stageEnds = metadata["stageEnds"]?.split(separator: ",").map { Int($0) ?? -1 }
      let ends = [0] + (stageEnds ?? []) + [steps]
      guard zip(ends, ends.dropFirst()).allSatisfy({ $0 <= $1 }) else { return nil }
      restarted = metadata["restarted"].map { Int($0) ?? -1 }
      if let restarted, !(0...step).contains(restarted) { return nil }
    }
  }

  private static let prefix = "checkpoint-"
  private static let name = "state"

  /// Writes the state, with the optimisers' moments or without, and removes all but the newest checkpoints.
  static func save(
    _ networks: TrainedNetworks, at position: Position, plan: TrainingPlan, folder: URL, _ saving: TrainingRun.Saving
  ) throws {
    let digits = String(position.step)
    let target = folder.appendingPathComponent(
      prefix + String(repeating: "0", count: max(0, 8 - digits.count)) + digits)
    var metadata = ["step": digits, "plan": try PlanIdentity(plan).json()]
    metadata["stageEnds"] = plan.stageEnds.map { $0.map(String.init).joined(separator: ",") }
    metadata["restarted"] = position.restarted.map(String.init)
    let tensors = networks.weights + (saving.moments ? networks.moments : [])
    try AtomicFolder.write(target) { url throws(CheckpointError) in
      try WeightSet.write(
        tensors, metadata: metadata, directory: url, name: name, maxShardBytes: saving.shardBytes, alwaysIndexed: true)
    }
    for old in all(in: folder).dropLast(saving.kept) { try? FileManager.default.removeItem(at: old) }
  }

  /// Copies the newest checkpoint that is whole into the trainer's networks; nil when there is none.
  ///
  /// One that is damaged is reported to `trainer.notice`, and an older one taken; the error of the newest is thrown where
  /// no other is whole. Moments that a checkpoint does not hold stay as they are, at nothing. Throws where the checkpoint
  /// is of other settings; more steps than before lengthen the run.
  static func load(into trainer: Trainer, folder: URL) throws -> Position? {
    AtomicFolder.removeLeftovers(in: folder)
    var newestError: (any Error)?
    for checkpoint in all(in: folder).reversed() {
      let set: WeightSet
      do {
        set = try open(checkpoint, folder: folder)
      } catch {
        if newestError == nil { newestError = error }
        trainer.notice("\(checkpoint.lastPathComponent) is damaged (\(error)); looking for an older one")
        continue
      }
      if newestError != nil { trainer.notice("continuing from \(checkpoint.lastPathComponent)") }
      return try load(set, into: trainer, folder: folder)
    }
    if let newestError { throw newestError }
    return nil
  }

  private static func open(_ checkpoint: URL, folder: URL) throws -> WeightSet {
    checkpoint.pathExtension.isEmpty
      ? try WeightSet(checkpoint, name: name, checking: .hashes)
      : try WeightSet(folder, name: checkpoint.deletingPathExtension().lastPathComponent)  // version 0.1 wrote one file
  }

  private static func load(_ set: WeightSet, into trainer: Trainer, folder: URL) throws -> Position {
    let plan = trainer.plan
    guard let record = Record(set.metadata) else { throw TrainingError.otherVersion(folder: folder.path) }
    let (step, ends) = (record.step, record.stageEnds)
    let differences = PlanIdentity(plan).differences(from: record.identity)
    let isLonger = differences.count == 1 && differences[0].hasPrefix("steps ") && plan.steps >= step
    guard differences.isEmpty || isLonger else {
      throw TrainingError.otherPlan(folder: folder.path, differences: differences)
    }
    if isLonger {
      trainer.plan.lengthen(from: record.steps, ends: ends)
    } else {
      trainer.plan.stageEnds = ends
    }
    let networks = trainer.networks
    let moments = networks.moments
    let hasMoments = moments.contains { set.info($0.key) != nil }
    for (key, tensor) in networks.weights + (hasMoments ? moments : []) {
      let value = try set.tensor(key, shape: tensor.shape)
      withNoGrad { tensor.copy_(value) }
    }
    return Position(step: step, restarted: (hasMoments || moments.isEmpty) && !isLonger ? record.restarted : step)
  }

  private static func all(in folder: URL) -> [URL] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { name in
      guard name.hasPrefix(prefix) else { return false }
      let rest = name.dropFirst(prefix.count)
      return rest.prefix(8).allSatisfy(\.isNumber) && ["", ".safetensors"].contains(rest.drop { $0.isNumber })
    }.sorted().map { folder.appendingPathComponent($0) }
  }
}
