import Models
import Torch

/// What tells early that latents are becoming useless, measured on normalised latents of a batch (after REPA-E, arXiv
/// 2504.10483, where the variance within pictures falls to a thousandth before anything else is seen).
struct LatentHealth {
  /// How many directions the channels really use: (Σλ)² / Σλ² over the eigenvalues of their covariance.
  let participation: Double
  /// Variance within pictures, mean over channels; what differs between pictures only is not in it.
  let detail: Double
  /// Mean distance of neighbouring cells.
  let variation: Double
  /// How far the batch is from the running statistics: mean of |mean| and |deviation − 1| over channels.
  let drift: Double

  /// Of latents `[B, C, h, w]`.
  init(_ latents: Tensor) {
    (participation, detail, variation, drift) = withNoGrad {
      let z = latents.detached().to(.float32)
      let (_, channels, height, width) = z.shape4
      let rows = z.permuted([0, 2, 3, 1]).reshaped([-1, channels])
      let centred = rows - rows.mean([0], keepDims: true)
      let values = (centred.transposed(0, 1).matmul(centred) / Double(rows.shape[0])).symmetricEigenvalues()
      let inside = (z - z.mean([2, 3], keepDims: true)).square().mean()
      let across = (z.narrowed(3, 1, width - 1) - z.narrowed(3, 0, width - 1)).abs().mean()
      let down = (z.narrowed(2, 1, height - 1) - z.narrowed(2, 0, height - 1)).abs().mean()
      let off = (z.mean([0, 2, 3]).abs() + (z.std([0, 2, 3]) - 1).abs()).mean()
      let total = values.sum().item()
      return (
        total * total / max(values.square().sum().item(), 1e-12), inside.item(), (across + down).item() / 2,
        off.item() / 2
      )
    }
  }

  /// The measures by the names that logs have for them.
  var values: [String: Double] {
    ["participation": participation, "detail": detail, "variation": variation, "drift": drift]
  }

  /// What is wrong beyond repair, in words; nil where nothing is.
  var collapse: String? {
    if participation < 4 { return "to \(participation) directions of their channels" }
    return detail < 0.02 ? "to a variance of \(detail) within pictures" : nil
  }
}

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
