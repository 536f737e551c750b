extension JSONValue {
  /// The document as compact JSON text.
  ///
  /// A number that is not finite is written as `null`, since JSON has no such numbers.
  public var text: String {
    var text = ""
    write(to: &text)
    return text
  }

  private func write(to text: inout String) {
    switch self {
    case .object(let fields):
      text += "{"
      for (index, field) in fields.enumerated() {
        if index > 0 { text += "," }
        Self.write(field.key, to: &text)
        text += ":"
        field.value.write(to: &text)
      }
      text += "}"
    case .array(let values):
      text += "["
      for (index, value) in values.enumerated() {
        if index > 0 { text += "," }
        value.write(to: &text)
      }
      text += "]"
    case .string(let string): Self.write(string, to: &text)
    case .number(let value, let exact): text += exact.map { "\($0)" } ?? (value.isFinite ? "\(value)" : "null")
    case .bool(let value): text += value ? "true" : "false"
    case .null: text += "null"
    }
  }

  /// A string with its escapes; characters outside ASCII stay as they are.
  private static func write(_ string: String, to text: inout String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      // Line separators are line breaks in JavaScript, and "<" would end a script that holds the text.
      case "\u{0}"..<" ", "\u{2028}", "\u{2029}", "<":
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }

  /// A text between quotation marks, with its escapes.
  public static func quoted(_ text: String) -> String {
    var result = ""
    write(text, to: &result)
    return result
  }

  /// A whole number.
  public static func int(_ value: Int) -> JSONValue { .number(Double(value), exact: value) }

  /// A number; without a fraction it is written without a point.
  public static func double(_ value: Double) -> JSONValue { .number(value, exact: Int(exactly: value)) }

  /// A seed: a number, or text where 63 bits do not hold it.
  public static func seed(_ value: UInt64) -> JSONValue { Int(exactly: value).map { .int($0) } ?? .string("\(value)") }

  /// A string, or `null`.
  public static func optional(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }

  /// An array of strings.
  public static func strings(_ texts: some Sequence<String>) -> JSONValue { .array(texts.map { .string($0) }) }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  /// A string.
  public init(stringLiteral value: String) { self = .string(value) }
  /// A whole number.
  public init(integerLiteral value: Int) { self = .int(value) }
  /// A number.
  public init(floatLiteral value: Double) { self = .double(value) }
  /// True or false.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  /// An array.
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  /// An object with its keys in the order of the literal.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(elements.map { (key: $0.0, value: $0.1) })
  }
}
