import Flux
import Models
import NN
import Torch

extension ModelBundle {
  /// Takes over another model's weights: the autoencoder's with the statistics of its latents, and U-Net's and
  /// adapter's, unless told otherwise, where both have the same sizes here.
  func adopt(_ other: ModelBundle, autoencoderOnly: Bool = false) throws(TrainingError) {
    guard other.configuration.autoencoder == configuration.autoencoder else { throw .otherAutoencoder }
    Self.copy(other.autoencoder, to: autoencoder)
    if autoencoderOnly { return }
    if other.configuration.unet == configuration.unet, other.configuration.adapter == configuration.adapter {
      let (theirs, ours) = (other.schedule.configuration.predictionType, schedule.configuration.predictionType)
      guard theirs == ours else { throw .otherPrediction(theirs.rawValue, wanted: ours.rawValue) }
      Self.copy(other.unet, to: unet)
      Self.copy(other.adapter, to: adapter)
    }
  }

  private static func copy(_ source: any Module, to target: any Module) {
    withNoGrad {
      for (from, to) in zip(source.parameters, target.parameters) { to.tensor.copy_(from.tensor) }
    }
  }
}
