/// Why a training run cannot start or has stopped.
public enum TrainingError: Error, CustomStringConvertible, Sendable, Equatable {
  case otherPlan(folder: String, differences: [String])
  case otherVersion(folder: String)
  case inUse(folder: String)
  case notFinite(step: Int, what: String, value: String, layer: String?, examples: [String])
  case collapsed(step: Int, String)
  case folder(String)
  case noLog(String)
  case otherAutoencoder
  case otherPrediction(String, wanted: String)
  case noEncoder([TrainingPlan.Stage])
  case noStage(TrainingPlan.Stage, [TrainingPlan.Stage])

  public var description: String {
    switch self {
    case .otherPlan(let folder, let differences):
      "\(folder) holds a run with other settings (\(differences.joined(separator: "; "))): continue it with the same "
        + "options, or choose another --output"
    case .otherVersion(let folder):
      "\(folder) holds a run of an older Flux: continue it with the version that began it, or choose another --output"
    case .inUse(let folder): "another process trains in \(folder): wait for it, or choose another --output"
    case .notFinite(let step, let what, let value, let layer, let examples):
      "step \(step): the \(what) is \(value)" + (layer.map { "; first at fault is \($0)" } ?? "")
        + (examples.isEmpty ? "" : "; it saw \(Self.list(examples))")
        + "; the last checkpoint is kept, nothing of this step was saved"
    case .collapsed(let step, let what):
      "step \(step): the latents have collapsed \(what); the last checkpoint is kept"
    case .folder(let path): "the folder \(path) cannot be created"
    case .otherAutoencoder:
      "the model to start from has an autoencoder of other sizes than the preset: choose the preset it was trained with"
    case .otherPrediction(let theirs, let wanted):
      "the model to start from predicts \(theirs), this run \(wanted): give --anew to take its autoencoder only"
    case .noEncoder(let stages):
      "a run of \(stages.map(\.rawValue).joined(separator: ", ")) trains no encoder: give a model to start from, or the "
        + "stage autoencoder too"
    case .noStage(let stage, let others):
      "this run has no stage \(stage.rawValue); it has \(others.map(\.rawValue).joined(separator: ", "))"
    case .noLog(let path): "\(path) does not exist or holds no measurements: give the folder of a training run"
    }
  }

  private static func list(_ names: [String]) -> String {
    names.prefix(8).joined(separator: ", ") + (names.count > 8 ? " and \(names.count - 8) more" : "")
  }
}
