import Foundation
import NN
import Support
import Torch

/// The state of a run, to continue it: a folder of shards, written atomically.
///
///     checkpoint-00000200/state-00001-of-00085.safetensors …      small enough to transfer one by one
///     checkpoint-00000200/state.safetensors.index.json            size and SHA-256 of each
public enum TrainingCheckpoint {
  /// What a checkpoint says beside its tensors.
  public struct Record {
    /// Steps done.
    public let step: Int
    /// Number of steps of the whole run.
    public let steps: Int
    /// The settings of the run.
    public let identity: PlanIdentity
    /// The steps at which the stages end, in order, if the run was extended.
    public let stageEnds: [Int]?
    /// The step at which the run last continued without optimizer state or with more steps, if it did.
    public let restarted: Int?

    /// Nil where something is missing or cannot be true: a step after the run's last, stages that end before they begin.
    public init?(_ metadata: [String: String]) {
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

  /// A checkpoint that a run continues from.
  public struct Contents {
    /// What it says beside its tensors.
    public let record: Record
    /// Whether the run has more steps now than the checkpoint says.
    public let isLonger: Bool
    /// Its tensors and all its text.
    public let tensors: WeightSet
  }

  private static let prefix = "checkpoint-"
  static let name = "state"

  /// Writes the state, with or without optimizer state, and removes all but the newest checkpoints.
  static func save(_ loop: any TrainingLoop, at step: Int, folder: URL, _ saving: TrainingRun.Saving) throws {
    let digits = String(step)
    let target = folder.appendingPathComponent(
      prefix + String(repeating: "0", count: max(0, 8 - digits.count)) + digits)
    var metadata = loop.metadata
    metadata["step"] = digits
    metadata["plan"] = try loop.identity.json()
    metadata["restarted"] = loop.restarted.map(String.init)
    let tensors = loop.weights + (saving.moments ? loop.moments : []) + loop.buffers
    try AtomicFolder.write(target) { url throws(CheckpointError) in
      try WeightSet.write(
        tensors, metadata: metadata, directory: url, name: name, maxShardBytes: saving.shardBytes, alwaysIndexed: true)
    }
    for old in all(in: folder).dropLast(saving.kept) { try? FileManager.default.removeItem(at: old) }
  }

  /// What process 0 tells the others about a checkpoint that it has read.
  struct Loaded: Codable {
    let step: Int
    let isLonger: Bool
    let restarted: Int?
    let metadata: [String: String]
  }

  /// Loads the newest intact checkpoint into the loop; nil if there is none.
  ///
  /// A damaged one is reported to `onWarning` and an older one used; if none is intact, the error of the newest is
  /// thrown. Optimizer state that a checkpoint does not have stays zero. Throws if the checkpoint has other settings; more
  /// steps than before extend the run.
  static func load(into loop: any TrainingLoop, folder: URL) throws -> Loaded? {
    AtomicFolder.removeLeftovers(in: folder)
    var newestError: (any Error)?
    for checkpoint in all(in: folder).reversed() {
      let set: WeightSet
      do {
        set = try open(checkpoint, folder: folder)
      } catch {
        if newestError == nil { newestError = error }
        loop.onWarning("\(checkpoint.lastPathComponent) is damaged (\(error)); looking for an older one")
        continue
      }
      if newestError != nil { loop.onWarning("continuing from \(checkpoint.lastPathComponent)") }
      return try load(set, into: loop, folder: folder)
    }
    if let newestError { throw newestError }
    return nil
  }

  private static func open(_ checkpoint: URL, folder: URL) throws -> WeightSet {
    checkpoint.pathExtension.isEmpty
      ? try WeightSet(checkpoint, name: name, checking: .hashes)
      : try WeightSet(folder, name: checkpoint.deletingPathExtension().lastPathComponent)  // version 0.1 wrote one file
  }

  private static func load(_ set: WeightSet, into loop: any TrainingLoop, folder: URL) throws -> Loaded {
    guard let record = Record(set.metadata) else { throw RunError.otherVersion(folder: folder.path) }
    let differences = loop.identity.differences(from: record.identity)
    let isLonger = differences.count == 1 && differences[0].hasPrefix("steps ") && loop.stepCount >= record.step
    guard differences.isEmpty || isLonger else {
      throw RunError.otherPlan(folder: folder.path, differences: differences)
    }
    let (moments, older) = (loop.moments, loop.olderKeys)
    let hasMoments = moments.contains { set.info(storedKey($0.key, in: set, older)) != nil }
    for (key, tensor) in loop.weights + (hasMoments ? moments : []) {
      let value = try set.tensor(storedKey(key, in: set, older), shape: tensor.shape)
      withNoGrad { tensor.copy_(value) }
    }
    loop.restarted = (hasMoments || moments.isEmpty) && !isLonger ? record.restarted : record.step
    try loop.resume(Contents(record: record, isLonger: isLonger, tensors: set))
    return Loaded(step: record.step, isLonger: isLonger, restarted: loop.restarted, metadata: set.metadata)
  }

  /// The key that a tensor has in a checkpoint, which an earlier version may have written.
  private static func storedKey(_ key: String, in set: WeightSet, _ older: [String: String]) -> String {
    guard set.info(key) == nil else { return key }
    return older.first { key.hasPrefix($0.key) }.map { $0.value + key.dropFirst($0.key.count) } ?? key
  }

  /// The checkpoints of a folder, oldest first.
  static func all(in folder: URL) -> [URL] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { name in
      if name == "checkpoint" { return true }  // of a distillation of an earlier version, which had only one
      guard name.hasPrefix(prefix) else { return false }
      let rest = name.dropFirst(prefix.count)
      return rest.prefix(8).allSatisfy(\.isNumber) && ["", ".safetensors"].contains(rest.drop { $0.isNumber })
    }.sorted().map { folder.appendingPathComponent($0) }
  }
}
