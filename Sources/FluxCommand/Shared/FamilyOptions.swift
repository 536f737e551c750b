import ArgumentParser
import Diffusion
import Flux

/// The options that models of other programs have.
struct FamilyOptions: ParsableArguments {
  @Option(
    help: """
      Layer of the text encoder to end at, counted from the last as in AUTOMATIC1111's web UI: 1 is the last, 2 the one \
      before (default: 1).
      """)
  var clipSkip: Int?
  @Option(help: "Another autoencoder: a .safetensors file, or a directory in diffusers' layout.") var vae: FilePath?
  @Option(
    help: """
      What the U-Net predicts: epsilon, v_prediction or sample (default: what the files say; a single file of Stable \
      Diffusion 2.1 with 768 pixels needs v_prediction, which it does not say).
      """)
  var prediction: Prediction?

  func validate() throws {
    if let clipSkip, clipSkip < 1 { throw ValidationError("--clip-skip \(clipSkip): expected 1 or more") }
  }

  init() {}

  /// Options of the given values.
  init(clipSkip: Int?, vae: FilePath?, prediction: Prediction?) {
    (self.clipSkip, self.vae, self.prediction) = (clipSkip, vae, prediction)
  }

  /// The same for the library.
  var options: StableDiffusionModel.Options {
    .init(clipSkip: (clipSkip ?? 1) - 1, prediction: prediction, autoencoder: vae?.url)
  }
}
