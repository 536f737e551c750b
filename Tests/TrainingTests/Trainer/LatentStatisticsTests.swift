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
}
