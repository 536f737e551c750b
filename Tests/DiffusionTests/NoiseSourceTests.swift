import Diffusion
import Foundation
import Testing
import Torch

@Suite struct NoiseSourceTests {
  @Test func imageKDependsOnSeedKAlone() {
    let batch = NoiseSource(seeds: NoiseSource.seeds(from: 10, count: 3), shape: [2, 3, 4])
    let single = NoiseSource(seeds: [12], shape: [2, 3, 4])
    for _ in 0..<3 { #expect(batch.next()[2..<3].bytes() == single.next().bytes()) }
  }

  @Test func theFirstNoiseIsTorchs() {
    let noise = NoiseSource(seeds: [4], shape: [2, 3, 4]).next()
    #expect(noise.bytes() == Tensor.randn([1, 2, 3, 4], generator: Generator(seed: 4)).bytes())
  }

  @Test func seedsWrapAroundAtTheLargest() {
    #expect(NoiseSource.seeds(from: .max, count: 2) == [.max, 0])
  }

  @Test func betweenTwoSeedsTheNoiseKeepsItsNorm() {
    func source(_ seed: UInt64) -> NoiseSource { NoiseSource(seeds: [seed, seed + 1], shape: [8, 16, 16]) }
    func between(_ strength: Double) -> Tensor { source(4).next(towards: source(20), strength: strength) }
    let (first, second) = (source(4).next(), source(20).next())
    #expect(between(0).bytes() == first.bytes())
    #expect(between(1).bytes() == second.bytes())
    for strength in [0.1, 0.5, 0.8] {
      let noise = between(strength)
      #expect(abs(noise.square().mean().item() - 1) < 0.05)
      // The angle from the first noise grows evenly, from 0 to that of the second: about 90°, as they are independent.
      // Exactly so only for vectors of one length; those of independent noises differ by a few percent.
      for image in 0..<2 {
        func cosine(_ other: Tensor) -> Double {
          let (a, b) = (first[image..<image + 1], other[image..<image + 1])
          return (a * b).sum().item() / (a.square().sum().item() * b.square().sum().item()).squareRoot()
        }
        #expect(abs(acos(cosine(noise)) - strength * acos(cosine(second))) < 0.02)
      }
    }
  }

  @Test func betweenEqualSeedsTheNoiseIsThatOfTheSeed() {
    func source() -> NoiseSource { NoiseSource(seeds: [4], shape: [2, 3, 4]) }
    let noise = source().next(towards: source(), strength: 0.3)
    #expect((noise - source().next()).abs().max().item() < 1e-6)
  }
}
