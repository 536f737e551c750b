/// A value of a configuration that cannot be used: which key, what it is, what it should be.
public struct ConfigurationError: Error, CustomStringConvertible, Sendable, Equatable {
  /// Key as the file spells it: `norm_num_groups`, `block_out_channels[1]`.
  public let key: String
  /// The value that was found, as text.
  public let value: String
  /// The values that are valid, in words: "1 to 16".
  public let expected: String

  /// An error for the key `key`, whose value is not what `expected` says in words.
  public init(_ key: String, _ value: some CustomStringConvertible, expected: String) {
    self.key = key
    self.value = value.description
    self.expected = expected
  }

  public var description: String { "\(key) is \(value), expected \(expected)" }
}

/// A configuration of plain values that can be checked before anything is built from it.
public protocol ModelConfiguration: Codable, Sendable {
  /// Throws for the first value that is out of its range or does not fit the others.
  ///
  /// Whatever passes can be built and run without a trap: arithmetic on the values does not overflow.
  func validate() throws(ConfigurationError)
}

extension ModelConfiguration {
  /// Throws unless a whole number is in a range.
  public func require(_ key: String, _ value: Int, in range: ClosedRange<Int>) throws(ConfigurationError) {
    if !range.contains(value) {
      throw ConfigurationError(key, value, expected: "\(range.lowerBound) to \(range.upperBound)")
    }
  }

  /// Throws unless every whole number of a list is in a range.
  public func require(_ key: String, _ values: [Int], in range: ClosedRange<Int>) throws(ConfigurationError) {
    for (index, value) in values.enumerated() { try require("\(key)[\(index)]", value, in: range) }
  }

  /// Throws unless a number is in a range; NaN and infinity never are.
  public func require(_ key: String, _ value: Double, in range: ClosedRange<Double>) throws(ConfigurationError) {
    if !range.contains(value) {
      throw ConfigurationError(key, value.shown, expected: "\(range.lowerBound) to \(range.upperBound)")
    }
  }

  /// Throws unless a number is a multiple of another, which is positive.
  public func require(
    _ key: String, _ value: Int, multipleOf factor: Int, _ name: String
  ) throws(ConfigurationError) {
    if value % factor != 0 { throw ConfigurationError(key, value, expected: "a multiple of \(name), \(factor)") }
  }

  /// Throws unless a list has as many entries as another.
  public func require(
    _ key: String, count: Int, as expected: Int, of other: String
  ) throws(ConfigurationError) {
    if count != expected {
      throw ConfigurationError(key, "a list of \(count)", expected: "\(expected), one for each entry of \(other)")
    }
  }
}

/// The limits that the configurations of all networks share.
///
/// They are far above realistic values, and low enough that their products fit 64 bits.
public enum ConfigurationLimit {
  /// Channels of a layer, attention heads, and other sizes of one dimension.
  public static let channels = 1...65_536
  /// Layers or blocks of one kind.
  public static let layers = 1...1000
  /// Resolution levels of a U-Net or an autoencoder.
  public static let levels = 1...16
  /// Width or height of an image or a latent, in pixels.
  public static let imageSide = 1...16_384
  /// The constant that normalization adds to a variance.
  public static let epsilon = 1e-20...1.0
}

/// A choice that a configuration file makes by a word; the error for an unknown word names all that there are.
public protocol ConfigurationChoice: RawRepresentable<String>, CaseIterable, Codable, Sendable {}

extension ConfigurationChoice {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let word = try? container.decode(String.self), let choice = Self(rawValue: word) else {
      let words = Self.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "expected one of \(words)")
    }
    self = choice
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(rawValue)
  }
}
