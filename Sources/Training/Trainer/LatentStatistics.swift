import Models
import Torch

/// Keeps an autoencoder's per-channel mean and deviation in step with what its encoder makes.
///
/// The encoder's scale is free: without this the U-Net would see drifting numbers, and the noise that hardens the
/// decoder would be useless, since the encoder could just grow (the recipe follows REPA-E, arXiv 2504.10483).
enum LatentStatistics {
  /// Moves the statistics towards those of raw latents `[B, C, h, w]`; the first batches move them fast.
  static func update(_ autoencoder: Autoencoder, raw: Tensor, count: Int) {
    withNoGrad {
      let raw = raw.detached().to(.float32)
      let weight = max(0.02, 1 / Double(count + 1))
      autoencoder.latentsMean.lerp_(raw.mean([0, 2, 3]), weight)
      autoencoder.latentsStd.lerp_(raw.std([0, 2, 3]).maximum(1e-4), weight)
    }
  }
}
