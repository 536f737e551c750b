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

  private static let prefix = "checkpoint-"
  private static let name = "state"

  /// Writes the state, with the optimisers' moments or without, and removes all but the newest checkpoints.
  static func save(
    _ networks: TrainedNetworks, at position: Position, plan: TrainingPlan, folder: URL, _ saving: Trainer.Saving
  ) throws {
    let digits = String(position.step)
    let target = folder.appendingPathComponent(
      prefix + String(repeating: "0", count: max(0, 8 - digits.count)) + digits)
    var metadata = ["step": digits, "plan": try encode(plan)]
    metadata["restarted"] = position.restarted.map(String.init)
    let tensors = networks.weights + (saving.moments ? networks.moments : [])
    try AtomicFolder.write(target) { url throws(CheckpointError) in
      try WeightSet.write(
        tensors, metadata: metadata, directory: url, name: name, maxShardBytes: saving.shardBytes, alwaysIndexed: true)
    }
    for old in all(in: folder).dropLast(saving.kept) { try? FileManager.default.removeItem(at: old) }
  }

  /// Copies the newest checkpoint into the networks; nil when there is none.
  ///
  /// Throws where a shard is missing or damaged. Moments that it does not hold stay as they are, at nothing.
  static func load(into networks: TrainedNetworks, plan: TrainingPlan, folder: URL) throws -> Position? {
    AtomicFolder.removeLeftovers(in: folder)
    guard let newest = all(in: folder).last else { return nil }
    let set =
      newest.pathExtension.isEmpty
      ? try WeightSet(newest, name: name, checking: .hashes)
      : try WeightSet(folder, name: newest.deletingPathExtension().lastPathComponent)  // version 0.1 wrote one file
    guard set.metadata["plan"] == (try encode(plan)), let step = set.metadata["step"].flatMap(Int.init)
    else {
      throw TrainingError.otherPlan(folder: folder.path)
    }
    let moments = networks.moments
    let hasMoments = moments.contains { set.info($0.key) != nil }
    for (key, tensor) in networks.weights + (hasMoments ? moments : []) {
      let value = try set.tensor(key, shape: tensor.shape)
      withNoGrad { tensor.copy_(value) }
    }
    let restarted = set.metadata["restarted"].flatMap(Int.init)
    return Position(step: step, restarted: hasMoments || moments.isEmpty ? restarted : step)
  }

  private static func all(in folder: URL) -> [URL] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { name in
      guard name.hasPrefix(prefix) else { return false }
      let rest = name.dropFirst(prefix.count)
      return rest.prefix(8).allSatisfy(\.isNumber) && ["", ".safetensors"].contains(rest.drop { $0.isNumber })
    }.sorted().map { folder.appendingPathComponent($0) }
  }

  private static func encode(_ plan: TrainingPlan) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return String(decoding: try encoder.encode(plan.forComparison), as: UTF8.self)
  }
}

extension TrainingPlan {
  /// The plan with its table of shares in a fixed order, so that equal plans have equal text.
  fileprivate var forComparison: [String: String] {
    var table: [String: String] = [:]
    for child in Mirror(reflecting: self).children {
      guard let label = child.label else { continue }
      table[label] =
        label == "parts"
        ? Stage.allCases.compactMap { stage in parts[stage].map { "\(stage) \($0.share) \($0.batch)" } }.joined(
          separator: " ") : "\(child.value)"
    }
    return table
  }
}
