/// SplitMix64 (Steele, Lea & Flood 2014): the same numbers on every machine.
public struct SplitMix64: Sendable {
  private var state: UInt64

  /// A stream of its own for every (seed, index).
  public init(seed: UInt64, index: UInt64) {
    state = seed &* 0x9e37_79b9_7f4a_7c15
    state = next() ^ (index &* 0xd1b5_4a32_d192_ed03)
    _ = next()
  }

  /// The next 64 uniformly random bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// Uniform in [0, 1).
  public mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// Uniform in a range.
  public mutating func real(_ low: Double, _ high: Double) -> Double { low + (high - low) * unit() }

  /// Uniform in 0 ..< count.
  public mutating func below(_ count: Int) -> Int { Int(unit() * Double(count)) }

  /// True with the given probability.
  public mutating func chance(_ probability: Double) -> Bool { unit() < probability }

  /// One of a list.
  public mutating func pick<T>(_ list: [T]) -> T { list[below(list.count)] }
}

/// FNV-1a: a hash that means the same on every machine and in every run, unlike Swift's own.
public func stableHash(_ text: String) -> UInt64 {
  text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
}
