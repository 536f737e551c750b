import Support

/// Intervals by drawing again from what was measured (Efron 1979).
public enum Bootstrap {
  /// The 95 % interval of the mean of the groups' means, prompts drawn anew within each group; always the same for the
  /// same numbers.
  public static func interval(_ groups: [[Double]], draws: Int = 2000) -> ClosedRange<Double> {
    let groups = groups.filter { !$0.isEmpty }
    guard !groups.isEmpty else { return 0...1 }
    var random = SplitMix64(seed: 1979, index: 0)
    let means = (0..<draws).map { _ in
      groups.reduce(0) { total, group in
        total + (0..<group.count).reduce(0) { sum, _ in sum + group[random.below(group.count)] } / Double(group.count)
      } / Double(groups.count)
    }.sorted()
    return means[draws / 40]...means[draws - 1 - draws / 40]
  }
}
