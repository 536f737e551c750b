import Foundation
import Support

/// How often each object of a world should be drawn, relative to each other: those that a model draws badly more often.
///
/// As a file: `{"weights": {"apple": 0.15, "circle": 0.4}, "world": "medium"}`.
public struct ObjectNeed: Sendable, Codable, Equatable {
  /// Why a file is not used.
  public enum Failure: Error, CustomStringConvertible, Sendable {
    case unreadable(file: String, reason: String)
    case otherWorld(file: String, found: String, expected: World)
    case unknown(file: String, noun: String, world: World)
    case weight(file: String, noun: String, value: Double)

    public var description: String {
      switch self {
      case .unreadable(let file, let reason): "\(file) does not say what objects a model needs: \(reason)"
      case .otherWorld(let file, let found, let expected):
        "\(file): \"world\" is \"\(found)\", but scenes of the \(expected.rawValue) world are drawn"
      case .unknown(let file, let noun, let world):
        "\(file): \"weights\" has \"\(noun)\", which is no object of the \(world.rawValue) world"
      case .weight(let file, let noun, let value):
        "\(file): the weight of \"\(noun)\" is \(value); it must be above 0 and at most 1000"
      }
    }
  }

  public let world: String
  /// By noun: an emoji's first name, or a shape's.
  public let weights: [String: Double]

  /// Weights by noun; objects that have none weigh as much as the mean.
  public init(world: World, weights: [String: Double]) {
    (self.world, self.weights) = (world.rawValue, weights)
  }

  /// 1 − accuracy + 0.1 for each object of a world, of how many pictures asked for it showed it.
  ///
  /// Two pictures of mean accuracy are added to each, so that one failure says little, and objects that no picture asked
  /// for weigh as much as the mean.
  public init(world: World, shown: [String: (right: Int, asked: Int)]) {
    let (right, asked) = shown.values.reduce((0, 0)) { ($0.0 + $1.right, $0.1 + $1.asked) }
    let mean = asked > 0 ? Double(right) / Double(asked) : 0.5
    var weights: [String: Double] = [:]
    for noun in world.nouns {
      let own = shown[noun] ?? (0, 0)
      let accuracy = (Double(own.right) + 2 * mean) / Double(own.asked + 2)
      weights[noun] = ((1 - accuracy + 0.1) * 1e4).rounded() / 1e4
    }
    self.init(world: world, weights: weights)
  }

  /// Reads a file that must be of a world.
  public init(file: URL, world: World) throws(Failure) {
    let path = file.path
    guard let data = FileManager.default.contents(atPath: path) else {
      throw .unreadable(file: path, reason: "it does not exist or cannot be opened")
    }
    do {
      self = try JSONDecoder().decode(ObjectNeed.self, from: data)
    } catch { throw .unreadable(file: path, reason: "\"weights\" or \"world\" is missing or malformed") }
    guard self.world == world.rawValue else { throw .otherWorld(file: path, found: self.world, expected: world) }
    let nouns = Set(world.nouns)
    for (noun, weight) in weights.sorted(by: { $0.key < $1.key }) {
      if !nouns.contains(noun) { throw .unknown(file: path, noun: noun, world: world) }
      if !(weight > 0 && weight <= 1000) { throw .weight(file: path, noun: noun, value: weight) }
    }
  }

  /// The bytes of its file.
  public var json: [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(self) else { fatalError("names and finite numbers always encode") }
    return Array(data) + [10]
  }

  /// Twelve digits that tell it from others.
  public var digest: String {
    let lines = weights.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
    return String(SHA256.hexDigest(Array(([world] + lines).joined(separator: "\n").utf8)).prefix(12))
  }

  /// Weights of objects in an order, running sums.
  func sums(of nouns: [String]) -> [Double] {
    let mean = weights.isEmpty ? 1 : weights.values.sorted().reduce(0, +) / Double(weights.count)
    var sum = 0.0
    return nouns.map { noun in
      sum += weights[noun] ?? mean
      return sum
    }
  }
}

/// Draws objects of a world, all equally often or by need.
struct ObjectChoice: Sendable {
  private let emoji: [EmojiEntry]
  private let shapes: [VectorShape]
  private let sums: (emoji: [Double], shapes: [Double])?

  init(world: World, need: ObjectNeed?) {
    (emoji, shapes) = (world.emoji, world.shapes)
    sums = need.map { [emoji, shapes] in ($0.sums(of: emoji.map { $0.names[0] }), $0.sums(of: shapes.map(\.rawValue))) }
  }

  func emoji(_ random: inout SplitMix64) -> EmojiEntry {
    guard let sums else { return random.pick(emoji) }
    return emoji[Self.index(sums.emoji, &random)]
  }

  func shape(_ random: inout SplitMix64) -> VectorShape {
    guard let sums else { return random.pick(shapes) }
    return shapes[Self.index(sums.shapes, &random)]
  }

  /// The first whose running sum is above a random share of the last.
  private static func index(_ sums: [Double], _ random: inout SplitMix64) -> Int {
    let place = random.unit() * sums[sums.count - 1]
    var (low, high) = (0, sums.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if sums[middle] > place { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
