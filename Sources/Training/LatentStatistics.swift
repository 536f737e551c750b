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

  /// How many directions the latents really use: (Σλ)² / Σλ² over the eigenvalues of the channels' covariance.
  static func participationRatio(_ latents: Tensor) -> Double {
    withNoGrad {
      let (_, channels, _, _) = latents.shape4
      let rows = latents.detached().to(.float32).permuted([0, 2, 3, 1]).reshaped([-1, channels])
      let centred = rows - rows.mean([0], keepDims: true)
      let covariance = centred.transposed(0, 1).matmul(centred) / Double(rows.shape[0])
      let values = covariance.symmetricEigenvalues()
      return values.sum().item() * values.sum().item() / max(values.square().sum().item(), 1e-12)
    }
  }
}
