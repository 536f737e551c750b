import Diffusion
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
}
