import Foundation
import Scenes

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
