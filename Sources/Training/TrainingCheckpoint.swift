import Files
import Foundation
import NN
import Torch

/// Everything that a run needs to continue, in one file that appears whole or not at all.
enum TrainingCheckpoint {
  private static let prefix = "checkpoint-"

  /// Writes the state after `step` steps and removes all but the `kept` newest checkpoints.
  static func save(_ tensors: [NamedTensor], step: Int, plan: TrainingPlan, folder: URL, kept: Int) throws {
    let digits = String(step)
    let name = prefix + String(repeating: "0", count: max(0, 8 - digits.count)) + digits + ".safetensors"
    let metadata = ["step": digits, "plan": try encode(plan)]
    try Safetensors.write(tensors, metadata: metadata, to: folder.appendingPathComponent(name))
    for old in files(in: folder).dropLast(kept) { try? FileManager.default.removeItem(at: old) }
  }

  /// Copies the newest checkpoint into the tensors and returns its step; nil when there is none.
  static func load(into tensors: [NamedTensor], plan: TrainingPlan, folder: URL) throws -> Int? {
    guard let newest = files(in: folder).last else { return nil }
    let file = try SafetensorsFile(newest)
    guard file.metadata["plan"] == (try encode(plan)), let step = file.metadata["step"].flatMap(Int.init)
    else {
      throw TrainingError.otherPlan(folder: folder.path)
    }
    for (key, tensor) in tensors {
      let value = try file.tensor(key, shape: tensor.shape)
      withNoGrad { tensor.copy_(value) }
    }
    return step
  }

  private static func files(in folder: URL) -> [URL] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { $0.hasPrefix(prefix) && $0.hasSuffix(".safetensors") }.sorted()
      .map { folder.appendingPathComponent($0) }
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
