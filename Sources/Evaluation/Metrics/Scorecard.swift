import Foundation
import Scenes
import Support

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

/// How far two judges agree on which pictures are right.
public struct Agreement: Sendable, Codable, Equatable {
  public let pictures: Int
  public let agreed: Int
  /// Cohen's (1960): the share of agreement beyond what chance gives to two judges who say "right" so often, of all
  /// that there could be; nil where chance alone agrees always.
  public let kappa: Double?

  /// Of two verdicts on each picture, at least one picture.
  public init(_ verdicts: [(Bool, Bool)]) {
    pictures = verdicts.count
    agreed = verdicts.filter { $0.0 == $0.1 }.count
    let n = Double(verdicts.count)
    let (first, second) = (Double(verdicts.filter(\.0).count) / n, Double(verdicts.filter(\.1).count) / n)
    let chance = first * second + (1 - first) * (1 - second)
    kappa = chance < 1 ? (Double(agreed) / n - chance) / (1 - chance) : nil
  }

  var sentence: String {
    "The judges agree on \(agreed) of \(pictures) drawn pictures"
      + (kappa.map { String(format: ", Cohen's kappa %.3f.", $0) } ?? ".")
  }

  static func none(in world: World) -> String {
    "There is no learnt judge for the \(world.rawValue) world (flux train-judge trains one): one judge has decided."
  }
}
