/// An error of a plan or of the training of a model; those of run folders are `RunError`.
public enum TrainingError: Error, CustomStringConvertible, Sendable, Equatable {
  /// The latents of the autoencoder have collapsed in the described way.
  case collapsed(step: Int, String)
  /// The autoencoder of the model to start from does not have the preset's sizes.
  case otherAutoencoder
  /// The U-Net of the model to start from has another prediction type.
  case otherPrediction(String, wanted: String)
  /// No stage trains an encoder, and there is no model to start from.
  case noEncoder([TrainingPlan.Stage])
  /// The plan does not have a stage; the second value lists those that it has.
  case noStage(TrainingPlan.Stage, [TrainingPlan.Stage])
  /// Steps are to be recorded that an earlier session of the run has done.
  case recordOfContinuedRun(step: Int)

  public var description: String {
    switch self {
    case .recordOfContinuedRun(let step):
      "steps are recorded from the first on, and this run has done \(step): remove --record-steps, or choose another "
        + "--output"
    case .collapsed(let step, let what):
      "step \(step): the latents have collapsed \(what); the last checkpoint is kept"
    case .otherAutoencoder:
      "the autoencoder of the --from model does not match the preset: choose the preset it was trained with"
    case .otherPrediction(let theirs, let wanted):
      "the --from model predicts \(theirs), this run \(wanted): use --reinitialize to keep only its autoencoder"
    case .noEncoder(let stages):
      "the stages \(stages.map(\.rawValue).joined(separator: ", ")) train no encoder: add --from MODEL or the stage "
        + "autoencoder"
    case .noStage(let stage, let others):
      "this run has no stage \(stage.rawValue); its stages are \(others.map(\.rawValue).joined(separator: ", "))"
    }
  }
}
