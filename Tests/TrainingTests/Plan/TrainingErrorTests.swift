import Testing

@testable import Training

@Suite struct TrainingErrorTests {
  @Test(arguments: [
    (
      TrainingError.collapsed(step: 520, "to an effective rank of 1.0"),
      "step 520: the latents have collapsed to an effective rank of 1.0; the last checkpoint is kept"
    ),
    (
      .otherAutoencoder,
      "the autoencoder of the --from model does not match the preset: choose the preset it was trained with"
    ),
    (
      .otherPrediction("epsilon", wanted: "v_prediction"),
      "the --from model predicts epsilon, this run v_prediction: use --reinitialize to keep only its autoencoder"
    ),
    (
      .noEncoder([.superResolution, .diffusion]),
      "the stages super-resolution, diffusion train no encoder: add --from MODEL or the stage autoencoder"
    ),
    (
      .noStage(.decoder, [.joint, .diffusion]),
      "this run has no stage decoder; its stages are joint, diffusion"
    ),
  ])
  func theSentenceSaysWhatToDo(_ error: TrainingError, _ sentence: String) {
    #expect(error.description == sentence)
  }
}
