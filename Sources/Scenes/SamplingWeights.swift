import Foundation
import Support

/// How often each object of a world is sampled, relative to the others: objects that a model generates badly more often.
///
/// As a file: `{"weights": {"apple": 0.15, "circle": 0.4}, "world": "medium"}`.
public struct SamplingWeights: Sendable, Codable, Equatable {
  /// Why a file cannot be used.
  public enum Failure: Error, CustomStringConvertible, Sendable {
    /// The file is missing, or is not JSON with the fields "weights" and "world".
    case unreadable(file: String, reason: String)
    /// The file is for another world than the scenes have.
    case otherWorld(file: String, found: String, expected: World)
    /// A noun of the file is not an object of the world.
    case unknown(file: String, noun: String, world: World)
    /// A weight is not above 0 and at most 1000.
    case weight(file: String, noun: String, value: Double)

    public var description: String {
      switch self {
      case .unreadable(let file, let reason): "\(file) has no sampling weights: \(reason)"
      case .otherWorld(let file, let found, let expected):
        "\(file): \"world\" is \"\(found)\", but the scenes are from the \(expected.rawValue) world"
      case .unknown(let file, let noun, let world):
        "\(file): \"weights\" has \"\(noun)\", which is not an object of the \(world.rawValue) world"
      case .weight(let file, let noun, let value):
        "\(file): the weight of \"\(noun)\" is \(value); it must be above 0 and at most 1000"
      }
    }
  }

  /// The raw value of the `World` that the nouns belong to.
  public let world: String
  /// By noun: an emoji's first name, or a shape's.
  public let weights: [String: Double]

  /// Weights by noun; objects without one get the mean weight.
  public init(world: World, weights: [String: Double]) {
    (self.world, self.weights) = (world.rawValue, weights)
  }

  /// 1 − accuracy + 0.1 for each object of a world, from how many of the images with it in the prompt show it.
  ///
  /// Two images of mean accuracy are added to each, so that a single failure has little effect; objects that are in
  /// no prompt get the mean weight.
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

  /// Reads a file, which must be for `world`.
  public init(file: URL, world: World) throws(Failure) {
    let path = file.path
    guard let data = FileManager.default.contents(atPath: path) else {
      throw .unreadable(file: path, reason: "it does not exist or cannot be opened")
    }
    do {
      self = try JSONDecoder().decode(SamplingWeights.self, from: data)
    } catch { throw .unreadable(file: path, reason: "\"weights\" or \"world\" is missing or malformed") }
    guard self.world == world.rawValue else { throw .otherWorld(file: path, found: self.world, expected: world) }
    let nouns = Set(world.nouns)
    for (noun, weight) in weights.sorted(by: { $0.key < $1.key }) {
      if !nouns.contains(noun) { throw .unknown(file: path, noun: noun, world: world) }
      if !(weight > 0 && weight <= 1000) { throw .weight(file: path, noun: noun, value: weight) }
    }
  }

  /// The bytes of the file.
  public var json: [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(self) else { fatalError("names and finite numbers always encode") }
    return Array(data) + [10]
  }

  /// A hash of twelve digits.
  public var digest: String {
    let lines = weights.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
    return String(SHA256.hexDigest(Array(([world] + lines).joined(separator: "\n").utf8)).prefix(12))
  }

  /// Cumulative weights of objects in the given order.
  func sums(of nouns: [String]) -> [Double] {
    let mean = weights.isEmpty ? 1 : weights.values.sorted().reduce(0, +) / Double(weights.count)
    var sum = 0.0
    return nouns.map { noun in
      sum += weights[noun] ?? mean
      return sum
    }
  }
}

/// Samples objects of a world, uniformly or with weights.
struct ObjectChoice: Sendable {
  private let emoji: [EmojiEntry]
  private let shapes: [VectorShape]
  private let sums: (emoji: [Double], shapes: [Double])?

  init(world: World, samplingWeights: SamplingWeights?) {
    (emoji, shapes) = (world.emoji, world.shapes)
    sums = samplingWeights.map { [emoji, shapes] in
      ($0.sums(of: emoji.map { $0.names[0] }), $0.sums(of: shapes.map(\.rawValue)))
    }
  }

  func emoji(_ random: inout SplitMix64) -> EmojiEntry {
    guard let sums else { return random.pick(emoji) }
    return emoji[Self.index(sums.emoji, &random)]
  }

  func shape(_ random: inout SplitMix64) -> VectorShape {
    guard let sums else { return random.pick(shapes) }
    return shapes[Self.index(sums.shapes, &random)]
  }

  /// Inverse transform sampling: the first index whose cumulative weight exceeds a random share of the total.
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
