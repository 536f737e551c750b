/// How many numbers fall between given bounds, with their mean and largest.
public struct Histogram: Sendable, Codable, Equatable {
  public let bounds: [Int]  // where each class but the first begins
  public private(set) var counts: [Int]
  public private(set) var total = 0
  public private(set) var largest = 0

  /// Classes below, between and above ascending bounds, of which there is at least one.
  public init(bounds: [Int]) {
    if bounds.isEmpty { fatalError("a histogram needs a bound between its classes") }
    self.bounds = bounds
    counts = [Int](repeating: 0, count: bounds.count + 1)
  }

  /// Takes in a number, 0 or more.
  public mutating func add(_ value: Int) {
    counts[bounds.firstIndex { value < $0 } ?? bounds.count] += 1
    total += value
    largest = max(largest, value)
  }

  public var count: Int { counts.reduce(0, +) }
  public var mean: Double { count == 0 ? 0 : Double(total) / Double(count) }

  /// One line for each class from the first to the last that is not empty: its range, a bar, how many.
  public var lines: [String] {
    guard let first = counts.firstIndex(where: { $0 > 0 }), let last = counts.lastIndex(where: { $0 > 0 }),
      let most = counts.max()
    else { return [] }
    let names = counts.indices.map(name)
    let width = names[first...last].map(\.count).max() ?? 0
    return (first...last).map { index in
      let padding = String(repeating: " ", count: width - names[index].count)
      let bar = String(repeating: "━", count: (24 * counts[index] + most - 1) / most)
      return "\(padding)\(names[index])  \(bar)\(bar.isEmpty ? "" : " ")\(counts[index])"
    }
  }

  private func name(_ index: Int) -> String {
    if index == 0 { return "under \(bounds[0])" }
    return index == bounds.count ? "\(bounds[index - 1]) or more" : "\(bounds[index - 1])–\(bounds[index] - 1)"
  }
}
