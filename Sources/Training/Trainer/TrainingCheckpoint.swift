import Foundation
import NN
import Support
import Torch

/// The state of a run, to continue it: a folder of shards, written atomically.
///
///     checkpoint-00000200/state-00001-of-00085.safetensors …      small enough to transfer one by one
///     checkpoint-00000200/state.safetensors.index.json            size and SHA-256 of each
enum TrainingCheckpoint {
  /// The position of a run.
  struct Position: Equatable {
    var step: Int  // steps done
    /// The step at which the run last continued without optimizer state, if it did.
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

  /// Writes the state, with or without optimizer state, and removes all but the newest checkpoints.
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

  /// Loads the newest intact checkpoint into the trainer's networks; nil if there is none.
  ///
  /// A damaged one is reported to `trainer.onWarning` and an older one used; if none is intact, the error of the newest is
  /// thrown. Optimizer state that a checkpoint does not have stays zero. Throws if the checkpoint has other settings; more
  /// steps than before extend the run.
  static func load(into trainer: Trainer, folder: URL) throws -> Position? {
    AtomicFolder.removeLeftovers(in: folder)
    var newestError: (any Error)?
    for checkpoint in all(in: folder).reversed() {
      let set: WeightSet
      do {
        set = try open(checkpoint, folder: folder)
      } catch {
        if newestError == nil { newestError = error }
        trainer.onWarning("\(checkpoint.lastPathComponent) is damaged (\(error)); looking for an older one")
        continue
      }
      if newestError != nil { trainer.onWarning("continuing from \(checkpoint.lastPathComponent)") }
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
    let hasMoments = moments.contains { set.info(storedKey($0.key, in: set)) != nil }
    for (key, tensor) in networks.weights + (hasMoments ? moments : []) {
      let value = try set.tensor(storedKey(key, in: set), shape: tensor.shape)
      withNoGrad { tensor.copy_(value) }
    }
    return Position(step: step, restarted: (hasMoments || moments.isEmpty) && !isLonger ? record.restarted : step)
  }

  /// The key that a tensor has in a checkpoint, which an earlier version may have written.
  private static func storedKey(_ key: String, in set: WeightSet) -> String {
    guard set.info(key) == nil else { return key }
    let older = [
      "autoencoder.": "core.", "super_resolution.": "enlarger.", "full_decoder.": "painter.", "ema ": "average ",
    ]
    return older.first { key.hasPrefix($0.key) }.map { $0.value + key.dropFirst($0.key.count) } ?? key
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
