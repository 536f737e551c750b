import Foundation
import Support
import Torch

/// What a checkpoint says about itself, read without its tensors.
public struct CheckpointSummary {
  /// The folder of the checkpoint.
  public let folder: URL
  /// Steps done, the steps of the run, its settings.
  public let record: TrainingCheckpoint.Record
  /// Number of tensors.
  public let tensors: Int
  /// Number of elements of all tensors.
  public let elements: Int
  /// Whether it has the state of the optimizers.
  public let hasOptimizerState: Bool

  /// Reads the folder of a checkpoint, or the newest checkpoint of a run's folder; nil if it is neither.
  ///
  /// Throws where the checkpoint is damaged or from another version.
  public init?(_ url: URL) throws {
    let index = url.appendingPathComponent("\(TrainingCheckpoint.name).safetensors.index.json")
    if FileManager.default.fileExists(atPath: index.path) {
      folder = url
    } else if let newest = TrainingCheckpoint.all(in: url).last(where: { $0.pathExtension.isEmpty }) {
      folder = newest
    } else {
      return nil
    }
    let set = try WeightSet(folder, name: TrainingCheckpoint.name)
    guard let record = TrainingCheckpoint.Record(set.metadata) else {
      throw RunError.otherVersion(folder: folder.path)
    }
    self.record = record
    (tensors, elements) = (set.keys.count, set.elementCount)
    hasOptimizerState = set.keys.contains { $0.contains(".second.") }  // AdamW's
  }
}
