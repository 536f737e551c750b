/// How many facts of each aspect were right.
public struct Scorecard: Sendable, Codable, Equatable {
  /// Right ones out of all.
  public struct Tally: Sendable, Codable, Equatable {
    public var right = 0
    public var count = 0

    public init() {}

    mutating func add(_ isRight: Bool) {
      count += 1
      if isRight { right += 1 }
    }

    public var share: Double { count > 0 ? Double(right) / Double(count) : 0 }

    /// The 95 % interval of the share (Wilson, 1927).
    public var interval: ClosedRange<Double> {
      guard count > 0 else { return 0...1 }
      let (n, z) = (Double(count), 1.96)
      let middle = (share + z * z / (2 * n)) / (1 + z * z / n)
      let half = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)).squareRoot()
      return max(0, middle - half)...min(1, middle + half)
    }
  }

  public private(set) var tallies: [String: Tally] = [:]

  public init() {}

  /// Counts a picture's verdicts.
  public mutating func add(_ verdicts: [Judge.Verdict]) {
    for verdict in verdicts { tallies[verdict.aspect.rawValue, default: Tally()].add(verdict.isRight) }
  }

  /// The tally of an aspect.
  public subscript(aspect: Judge.Aspect) -> Tally { tallies[aspect.rawValue] ?? Tally() }
}
