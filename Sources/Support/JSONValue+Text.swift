// Writes JSON documents whose keys keep their order.

extension JSONValue {
  /// A whole number.
  public init(_ value: Int) { self = .number(Double(value), exact: value) }
  /// A number; `null` if it is not finite, which JSON cannot express.
  public init(_ value: Double) { self = value.isFinite ? .number(value, exact: Int(exactly: value)) : .null }
  /// A seed: a number, or text where 63 bits do not hold it.
  public init(_ value: UInt64) { self = Int(exactly: value).map { JSONValue($0) } ?? .string("\(value)") }
  /// Text, or `null` without it.
  public init(_ value: String?) { self = value.map { .string($0) } ?? .null }

  /// The document in one line.
  public var text: String {
    switch self {
    case .object(let fields):
      "{" + fields.map { "\(Self.quoted($0.key)):\($0.value.text)" }.joined(separator: ",") + "}"
    case .array(let values): "[" + values.map(\.text).joined(separator: ",") + "]"
    case .string(let text): Self.quoted(text)
    case .number(let value, let exact): exact.map(String.init) ?? "\(value)"
    case .bool(let value): "\(value)"
    case .null: "null"
    }
  }

  /// A text between quotation marks, with escapes for control characters only.
  public static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      default:
        if scalar.value < 0x20 {
          let digits = String(scalar.value, radix: 16)
          result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        } else {
          result.unicodeScalars.append(scalar)
        }
      }
    }
    return result + "\""
  }
}
