import Distributed
import Models
import Torch

/// Early indicators of latent collapse, measured on the normalized latents of a batch (after REPA-E, arXiv 2504.10483,
/// where the within-image variance falls to a thousandth before anything else changes).
struct LatentMetrics {
  /// Effective rank of the channels: (Σλ)² / Σλ² over the eigenvalues of their covariance.
  let effectiveRank: Double
  /// Variance within images, mean over channels; differences between images do not count.
  let withinImageVariance: Double
  /// Mean absolute difference of neighboring cells.
  let totalVariation: Double
  /// Deviation of the batch from the running statistics: mean of |mean| and |std − 1| over channels.
  let drift: Double

  /// Measures latents `[B, C, h, w]`.
  init(_ latents: Tensor) {
    (effectiveRank, withinImageVariance, totalVariation, drift) = withNoGrad {
      let z = latents.detached().to(.float32)
      let (_, channels, height, width) = z.shape4
      let rows = z.permuted([0, 2, 3, 1]).reshaped([-1, channels])
      let centered = rows - rows.mean([0], keepDims: true)
      let values = (centered.transposed(0, 1).matmul(centered) / Double(rows.shape[0])).symmetricEigenvalues()
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

  /// The values by their names in logs.
  var values: [String: Double] {
    [
      "effectiveRank": effectiveRank, "withinImageVariance": withinImageVariance, "totalVariation": totalVariation,
      "drift": drift,
    ]
  }

  /// Describes a collapse of the latents; nil if there is none.
  var collapse: String? {
    if effectiveRank < 4 { return "to an effective rank of \((effectiveRank * 100).rounded() / 100)" }
    guard withinImageVariance < 0.02 else { return nil }
    return "to a within-image variance of \((withinImageVariance * 10_000).rounded() / 10_000)"
  }
}

/// Updates an autoencoder's running per-channel mean and standard deviation from its encoder's output.
///
/// The encoder's scale is arbitrary: without normalization the U-Net would see drifting inputs, and the encoder could
/// grow its outputs until the noise added for the decoder has no effect (following REPA-E, arXiv 2504.10483).
enum LatentStatistics {
  /// Moves the statistics towards those of raw latents `[B, C, h, w]` of all processes, faster in the first batches.
  static func update(_ autoencoder: Autoencoder, raw: Tensor, count: Int, group: ProcessGroup = .single) {
    withNoGrad {
      let raw = raw.detached().to(.float32)
      let weight = max(0.02, 1 / Double(count + 1))
      let mean = group.mean(raw.mean([0, 2, 3]))
      autoencoder.latentsMean.lerp_(mean, weight)
      autoencoder.latentsStd.lerp_(deviation(raw, mean, group).maximum(1e-4), weight)
    }
  }

  /// The standard deviation of each channel over the latents of all processes, whose mean is given.
  private static func deviation(_ raw: Tensor, _ mean: Tensor, _ group: ProcessGroup) -> Tensor {
    if group.count == 1 { return raw.std([0, 2, 3]) }
    let (rows, channels, height, width) = raw.shape4
    let square = group.mean((raw - mean.reshaped([1, channels, 1, 1])).square().mean([0, 2, 3]))
    let count = Double(group.count * rows * height * width)
    return (square * (count / (count - 1))).sqrt()
  }
}
