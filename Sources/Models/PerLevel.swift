/// One number for all levels or a number for each, as diffusers' configurations allow.
public enum PerLevel: Codable, Sendable, Equatable, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral {
  /// The same number for all levels.
  case all(Int)
  /// A number for each level, from the full resolution to the lowest.
  case each([Int])

  /// The same number for all levels.
  public init(integerLiteral value: Int) { self = .all(value) }
  /// A number for each level.
  public init(arrayLiteral elements: Int...) { self = .each(elements) }

  public init(from decoder: any Swift.Decoder) throws {
    let container = try decoder.singleValueContainer()
    self =
      if let value = try? container.decode(Int.self) {
        .all(value)
      } else if let values = try? container.decode([Int].self) {
        .each(values)
      } else {
        throw DecodingError.dataCorruptedError(
          in: container, debugDescription: "expected a whole number, or a list of one for each level")
      }
  }

  public func encode(to encoder: any Swift.Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .all(let value): try container.encode(value)
    case .each(let values): try container.encode(values)
    }
  }

  /// The number of a level; traps if a list is too short.
  public subscript(level: Int) -> Int {
    switch self {
    case .all(let value): value
    case .each(let values): values[level]
    }
  }
}
