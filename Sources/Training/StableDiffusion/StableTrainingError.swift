/// Why a LoRA for a model of Stable Diffusion's family cannot be trained.
public enum StableTrainingError: Error, CustomStringConvertible, Sendable, Equatable {
  /// The data are scenes rather than images of one's own.
  case scenes
  /// The model is one for inpainting.
  case inpainting
  /// The U-Net was distilled to read the guidance scale.
  case embedsGuidance
  /// The side of the images is no multiple of a latent cell, or too small or large for the model.
  case size(Int, cell: Int, own: Int)

  public var description: String {
    switch self {
    case .scenes:
      "a LoRA of Stable Diffusion is trained on images of your own: give --data DIR (flux data scenes writes a folder of "
        + "drawn ones)"
    case .inpainting:
      "the model is one of Stable Diffusion for inpainting, whose U-Net reads masks, which are not trained: train on the "
        + "model that it was made from, whose LoRA it can use"
    case .embedsGuidance:
      "the U-Net was distilled to read the guidance scale, which LoRAs of Stable Diffusion are not trained for: train on "
        + "the model that it was made from"
    case .size(let size, let cell, let own):
      "--size \(size) must be a multiple of \(cell) from \(4 * cell) to \(4 * own)"
    }
  }
}
