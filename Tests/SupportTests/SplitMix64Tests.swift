import Support
import Testing

@Suite struct SplitMix64Tests {
  /// The first numbers as they were first drawn: data and models depend on them.
  @Test func theNumbersAreTheSameEverywhere() {
    var random = SplitMix64(seed: 1, index: 2)
    let numbers = (0..<3).map { _ in random.next() }
    #expect(numbers == Self.reference(seed: 1, index: 2, count: 3))
    var other = SplitMix64(seed: 1, index: 3)
    #expect(!numbers.contains(other.next()))
  }

  /// The generator of Steele, Lea & Flood 2014, figure 17, by its mixing function alone: number k mixes s + k γ.
  private static func reference(seed: UInt64, index: UInt64, count: Int) -> [UInt64] {
    let gamma: UInt64 = 0x9e37_79b9_7f4a_7c15
    func mixed(_ value: UInt64) -> UInt64 {
      let first = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
      let second = (first ^ (first >> 27)) &* 0x94d0_49bb_1331_11eb
      return second ^ (second >> 31)
    }
    let start = mixed(seed &* gamma &+ gamma) ^ (index &* 0xd1b5_4a32_d192_ed03)
    return (0..<count).map { mixed(start &+ UInt64($0 + 2) &* gamma) }
  }

  @Test func everySeedAndIndexHasAStreamOfItsOwn() {
    var firsts: Set<UInt64> = []
    for seed in 0..<64 as Range<UInt64> {
      for index in 0..<64 as Range<UInt64> {
        var random = SplitMix64(seed: seed, index: index)
        firsts.insert(random.next())
      }
    }
    #expect(firsts.count == 64 * 64)
  }

  @Test func unitNumbersAreSpreadEvenlyBelowOne() {
    var random = SplitMix64(seed: 5, index: 0)
    let values = (0..<20_000).map { _ in random.unit() }
    #expect(values.allSatisfy { $0 >= 0 && $0 < 1 })
    // The mean's deviation is 0.29 / √20,000 = 0.002.
    #expect(abs(values.reduce(0, +) / 20_000 - 0.5) < 0.008)
    for tenth in 0..<10 {
      let share = Double(values.count { Int(10 * $0) == tenth }) / 20_000
      #expect(abs(share - 0.1) < 0.01, "\(tenth)")
    }
  }

  @Test func numbersOfARangeStayWithinItAndReachAllOfIt() {
    var random = SplitMix64(seed: 6, index: 0)
    #expect(Set((0..<500).map { _ in random.below(7) }) == Set(0..<7))
    let reals = (0..<500).map { _ in random.real(-2, 3) }
    #expect(reals.allSatisfy { $0 >= -2 && $0 < 3 } && reals.contains { $0 < -1.5 } && reals.contains { $0 > 2.5 })
    #expect(Set((0..<200).map { _ in random.pick(["a", "b", "c"]) }) == ["a", "b", "c"])
    #expect((0..<20).allSatisfy { _ in random.below(1) == 0 })
  }

  @Test func chancesAreThoseThatAreAsked() {
    var random = SplitMix64(seed: 7, index: 0)
    #expect((0..<1000).allSatisfy { _ in !random.chance(0) && random.chance(1) })
    let share = Double((0..<10_000).count { _ in random.chance(0.3) }) / 10_000
    #expect(abs(share - 0.3) < 0.02)
  }

  /// Test vectors of the FNV reference.
  @Test(
    arguments: [
      ("", 0xcbf2_9ce4_8422_2325), ("a", 0xaf63_dc4c_8601_ec8c), ("foobar", 0x8594_4171_f739_67e8),
    ] as [(String, UInt64)])
  func theHashIsFNV1a(_ text: String, _ hash: UInt64) { #expect(stableHash(text) == hash) }
}
