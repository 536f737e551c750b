import Support

/// An error that prevents or stops a training run.
public enum RunError: Error, CustomStringConvertible, Sendable, Equatable {
  /// The folder holds a run with other settings, which `differences` describes.
  case otherPlan(folder: String, differences: [String])
  /// The checkpoint in the folder was written by an older version and cannot be continued.
  case otherVersion(folder: String)
  /// Another process trains in the folder.
  case inUse(folder: String)
  /// A loss or gradient is NaN or infinite; `layer` is the first layer at fault, `examples` are the batch.
  case notFinite(step: Int, what: String, value: String, layer: String?, examples: [String])
  /// The weights of these processes are not those of process 0 after a step.
  case otherWeights(step: Int, ranks: [Int])
  /// The folder cannot be created.
  case folder(String)
  /// The log does not exist or has no metrics; the value is its path.
  case noLog(String)

  public var description: String {
    switch self {
    case .otherPlan(let folder, let differences):
      "\(folder) holds a run with other settings (\(differences.joined(separator: "; "))): continue it with the same "
        + "options, or choose another --output"
    case .otherVersion(let folder):
      "\(folder) holds a run of an older Flux: continue it with the version that began it, or choose another --output"
    case .inUse(let folder): "another process trains in \(folder): wait for it, or choose another --output"
    case .notFinite(let step, let what, let value, let layer, let examples):
      "step \(step): the \(what) is \(value)" + (layer.map { "; first non-finite layer: \($0)" } ?? "")
        + (examples.isEmpty ? "" : "; batch: \(Self.list(examples))")
        + "; the last checkpoint is kept, this step was not saved"
    case .otherWeights(let step, let ranks):
      "step \(step): the weights of process \(ranks.map { "\($0 + 1)" }.joined(separator: ", ")) are not those of process 1: "
        + "the machines compute different numbers; the last checkpoint is kept, this step was not saved"
    case .folder(let path): "the folder \(path) cannot be created"
    case .noLog(let path): "\(path) does not exist or has no measurements: give the folder of a training run"
    }
  }

  private static func list(_ names: [String]) -> String {
    names.prefix(8).joined(separator: ", ") + (names.count > 8 ? " and \(names.count - 8) more" : "")
  }
}
