import TestSupport
import Testing
import Torch

@Suite struct GeneratorTests {
  private func numbers(_ generator: Generator) -> [Int] {
    Tensor.rand([4], generator: generator).doubles().map { Int($0 * 0x1p24) }
  }

  /// Python's `random` fills the same twister by the same array initialization: `random.seed(s)`, then
  /// `random.getrandbits(32) & 0xffffff`.
  @Test func seedsOfMoreThan32BitsAreThoseOfTheArrayInitialization() {
    #expect(numbers(Generator(seed: (1 << 32) + 42)) == [10_429_503, 12_777_988, 4_647_179, 2_730_429])
    #expect(numbers(Generator(seed: (1 << 63) + 7)) == [11_092_871, 6_079_639, 9_238_567, 15_886_126])
  }

  @Test func everyBitOfASeedCounts() {
    let seeds = [42] + (0..<64).map { 42 ^ (UInt64(1) << $0) }
    #expect(Set(seeds.map { numbers(Generator(seed: $0)) }).count == seeds.count)
  }

  @Test func aSeedGivenLaterIsTheSameSeed() {
    let generator = Generator(seed: 1)
    for seed: UInt64 in [3, (1 << 40) + 3] {
      generator.seed(seed)
      #expect(numbers(generator) == numbers(Generator(seed: seed)))
    }
  }

  @Test func mixedNumbersKeepTorchsSeeds() {
    #expect(numbers(Generator(mixed: (1 << 40) + 3)) == numbers(Generator(seed: 3)))
  }
}
