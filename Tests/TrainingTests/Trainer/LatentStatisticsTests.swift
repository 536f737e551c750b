import Flux
import Models
import TestSupport
import Testing
import Torch

@testable import Training

@Suite struct LatentHealthTests {
  private let noise = Tensor.randn([16, 8, 8, 8], generator: Generator(seed: 5))

  @Test func noiseIsHealthy() {
    let health = LatentMetrics(noise)
    #expect(health.effectiveRank > 7.5 && health.collapse == nil)
    #expect(abs(health.withinImageVariance - 1) < 0.05 && health.drift < 0.05)
    #expect(abs(health.totalVariation - 1.128) < 0.03)  // 2 / √π, the mean distance of two normal numbers
  }

  @Test func channelsThatSayTheSameAreOneDirection() {
    let one = Tensor.cat([Tensor](repeating: noise.narrowed(1, 0, 1), count: 8), dim: 1)
    let health = LatentMetrics(one)
    #expect(abs(health.effectiveRank - 1) < 1e-3)
    #expect(health.collapse == "to an effective rank of 1.0")
  }

  @Test func imagesThatAreEvenHaveNoDetail() {
    let even = noise.mean([2, 3], keepDims: true) * 8 + noise * 0.01
    let health = LatentMetrics(even)
    #expect(health.withinImageVariance < 0.001 && health.totalVariation < 0.02)
    #expect(health.collapse?.hasPrefix("to a within-image variance of 0.0") == true)
  }

  @Test func numbersThatMoveAwayFromTheStatisticsDrift() {
    #expect(abs(LatentMetrics(noise * 1.5 + 0.5).drift - 0.5) < 0.03)
  }

  @Test func metricsHaveTheirNamesInTheLog() {
    let metrics = LatentMetrics(noise)
    #expect(
      metrics.values == [
        "effectiveRank": metrics.effectiveRank, "withinImageVariance": metrics.withinImageVariance,
        "totalVariation": metrics.totalVariation, "drift": metrics.drift,
      ])
  }
}

@Suite struct LatentStatisticsTests {
  private func autoencoder() -> Autoencoder { Autoencoder(Preset.tiny.configuration.autoencoder, .empty) }

  /// Latents of 64 channels, each with this mean and deviation.
  private func latents(mean: Double, std: Double) -> Tensor {
    let noise = Tensor.randn([4, 64, 4, 4], generator: Generator(seed: 1))
    let centered = noise - noise.mean([0, 2, 3], keepDims: true)
    return centered / centered.square().mean([0, 2, 3], keepDims: true).sqrt() * std + mean
  }

  @Test func theFirstBatchReplacesTheStatistics() {
    let autoencoder = autoencoder()
    LatentStatistics.update(autoencoder, raw: latents(mean: 3, std: 2), count: 0)
    expectClose(autoencoder.latentsMean, Tensor.full([64], 3), atol: 1e-5)
    expectClose(autoencoder.latentsStd, Tensor.full([64], 2 * (64.0 / 63).squareRoot()), atol: 1e-4)
  }

  @Test func laterBatchesCountLessAndLess() {
    for (count, weight) in [(1, 0.5), (3, 0.25), (49, 0.02), (1000, 0.02)] {
      let autoencoder = autoencoder()
      LatentStatistics.update(autoencoder, raw: latents(mean: 10, std: 1), count: count)
      expectClose(autoencoder.latentsMean, Tensor.full([64], 10 * weight), atol: 1e-4, "\(count)")
    }
  }

  @Test func aDeviationNeverFallsToZero() {
    let autoencoder = autoencoder()
    LatentStatistics.update(autoencoder, raw: Tensor.full([2, 64, 2, 2], 5), count: 0)
    expectClose(autoencoder.latentsStd, Tensor.full([64], 1e-4), atol: 1e-8)
    #expect(autoencoder.normalized(Tensor.full([1, 64, 1, 1], 5)).allFinite)
  }

  @Test func latentsAreNormalizedAfterwards() {
    let (autoencoder, raw) = (autoencoder(), latents(mean: -2, std: 7))
    LatentStatistics.update(autoencoder, raw: raw, count: 0)
    let normalized = autoencoder.normalized(raw)
    #expect(abs(normalized.mean().item()) < 1e-5 && abs(normalized.std().item() - 1) < 0.01)
  }
}
