import Foundation
import Scenes
import Support

/// The number of correct facts per aspect.
public struct Scorecard: Sendable, Codable, Equatable {
  /// Correct ones out of all.
  public struct Tally: Sendable, Codable, Equatable {
    /// Number of correct facts or images.
    public var right = 0
    /// Number of all facts or images.
    public var count = 0

    /// An empty tally.
    public init() {}

    mutating func add(_ isRight: Bool) {
      count += 1
      if isRight { right += 1 }
    }

    /// The fraction that is correct, 0…1; 0 if empty.
    public var share: Double { count > 0 ? Double(right) / Double(count) : 0 }

    /// The 95 % confidence interval of the share (Wilson, 1927).
    public var interval: ClosedRange<Double> {
      guard count > 0 else { return 0...1 }
      let (n, z) = (Double(count), 1.96)
      let middle = (share + z * z / (2 * n)) / (1 + z * z / n)
      let half = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)).squareRoot()
      return max(0, middle - half)...min(1, middle + half)
    }
  }

  /// The tallies by the raw value of their aspect; aspects without facts are missing.
  public private(set) var tallies: [String: Tally] = [:]

  /// A scorecard without verdicts.
  public init() {}

  /// Counts an image's verdicts.
  public mutating func add(_ verdicts: [Judge.Verdict]) {
    for verdict in verdicts { tallies[verdict.aspect.rawValue, default: Tally()].add(verdict.isRight) }
  }

  /// The tally of an aspect.
  public subscript(aspect: Judge.Aspect) -> Tally { tallies[aspect.rawValue] ?? Tally() }
}

/// Confidence intervals by bootstrap resampling (Efron 1979).
public enum Bootstrap {
  /// The 95 % confidence interval of the mean of the groups' means, resampled within each group; deterministic.
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

/// The agreement of two judges on which images are right.
public struct Agreement: Sendable, Codable, Equatable {
  /// Number of images that both judges saw.
  public let images: Int
  /// Number of images on which they agree.
  public let agreed: Int
  /// Cohen's kappa (1960): agreement beyond chance, relative to its maximum; nil if chance agreement is 1.
  public let kappa: Double?

  /// The agreement of two verdicts per image, for at least one image.
  public init(_ verdicts: [(Bool, Bool)]) {
    images = verdicts.count
    agreed = verdicts.filter { $0.0 == $0.1 }.count
    let n = Double(verdicts.count)
    let (first, second) = (Double(verdicts.filter(\.0).count) / n, Double(verdicts.filter(\.1).count) / n)
    let chance = first * second + (1 - first) * (1 - second)
    kappa = chance < 1 ? (Double(agreed) / n - chance) / (1 - chance) : nil
  }

  var sentence: String {
    "The judges agree on \(agreed) of \(images) generated images"
      + (kappa.map { String(format: ", Cohen's kappa %.3f.", $0) } ?? ".")
  }

  static func none(in world: World) -> String {
    "There is no learned judge for the \(world.rawValue) world (see flux train-judge), so only one judge was used."
  }
}
