import Testing
import Torch

@testable import Training

@Suite struct LatentHealthTests {
  private let noise = Tensor.randn([16, 8, 8, 8], generator: Generator(seed: 5))

  @Test func noiseIsHealthy() {
    let health = LatentHealth(noise)
    #expect(health.participation > 7.5 && health.collapse == nil)
    #expect(abs(health.detail - 1) < 0.05 && health.drift < 0.05)
    #expect(abs(health.variation - 1.128) < 0.03)  // 2 / √π, the mean distance of two normal numbers
  }

  @Test func channelsThatSayTheSameAreOneDirection() {
    let one = Tensor.cat([Tensor](repeating: noise.narrowed(1, 0, 1), count: 8), dim: 1)
    let health = LatentHealth(one)
    #expect(abs(health.participation - 1) < 1e-3)
    #expect(health.collapse?.hasPrefix("to 1.0") == true)
  }

  @Test func picturesThatAreEvenHaveNoDetail() {
    let even = noise.mean([2, 3], keepDims: true) * 8 + noise * 0.01
    let health = LatentHealth(even)
    #expect(health.detail < 0.001 && health.variation < 0.02)
    #expect(health.collapse?.contains("within pictures") == true)
  }

  @Test func numbersThatMoveAwayFromTheStatisticsDrift() {
    #expect(abs(LatentHealth(noise * 1.5 + 0.5).drift - 0.5) < 0.03)
  }
}
