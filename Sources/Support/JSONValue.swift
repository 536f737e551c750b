/// A JSON document (RFC 8259) with everything in it: keys in their order, twice where they are there twice.
///
/// Foundation's readers make dictionaries, in which names that differ in their Unicode form only are one.
public enum JSONValue: Sendable {
  /// Keys with their values, in the order of the document; a repeated key is there as often as in the document.
  case object([(key: String, value: JSONValue)])
  /// Elements in their order.
  case array([JSONValue])
  /// Text with its escapes resolved.
  case string(String)
  /// A number as float64; `exact` is its value if it is a whole number that 64 bits hold, else nil.
  case number(Double, exact: Int?)
  /// `true` or `false`.
  case bool(Bool)
  /// `null`, which is also a value of an object's key.
  case null

  /// Parses a document; nil where it is not one, or nested more than 64 deep.
  public init?(_ bytes: some RandomAccessCollection<UInt8>) {
    // Strings are checked here once: afterwards any part of one is valid.
    guard String(validating: bytes, as: UTF8.self) != nil else { return nil }
    var parser = Parser(Array(bytes))
    guard let value = parser.value(depth: 0) else { return nil }
    parser.skipSpaces()
    guard parser.isAtEnd else { return nil }
    self = value
  }

  /// The fields of an object, or nil.
  public var fields: [(key: String, value: JSONValue)]? { if case .object(let fields) = self { fields } else { nil } }

  /// The value of a key of an object, compared byte by byte; the last where there are several.
  public subscript(key: String) -> JSONValue? {
    fields?.last { $0.key.utf8.elementsEqual(key.utf8) }?.value
  }

  /// The elements of an array; nil for other values.
  public var array: [JSONValue]? { if case .array(let values) = self { values } else { nil } }
  /// The text of a string; nil for other values.
  public var string: String? { if case .string(let text) = self { text } else { nil } }
  /// A number, rounded to float64; nil for other values.
  public var double: Double? { if case .number(let value, _) = self { value } else { nil } }
  /// A whole number that 64 bits hold exactly; nil for other numbers and other values.
  public var int: Int? { if case .number(_, let exact) = self { exact } else { nil } }
  /// True for `null` alone.
  public var isNull: Bool { if case .null = self { true } else { false } }
}

/// Recursive descent over the bytes of a document.
private struct Parser {
  private let bytes: [UInt8]
  private var offset = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var isAtEnd: Bool { offset == bytes.count }
  private var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  mutating func skipSpaces() {
    while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { offset += 1 }
  }

  mutating func value(depth: Int) -> JSONValue? {
    guard depth <= 64 else { return nil }
    skipSpaces()
    switch next {
    case UInt8(ascii: "{"): return object(depth)
    case UInt8(ascii: "["): return array(depth)
    case UInt8(ascii: "\""): return string().map { .string($0) }
    case UInt8(ascii: "t"): return word("true") ? .bool(true) : nil
    case UInt8(ascii: "f"): return word("false") ? .bool(false) : nil
    case UInt8(ascii: "n"): return word("null") ? .null : nil
    default: return number()
    }
  }

  /// Skips spaces and one byte, if it is this one.
  private mutating func take(_ byte: UInt8) -> Bool {
    skipSpaces()
    guard next == byte else { return false }
    offset += 1
    return true
  }

  private mutating func word(_ text: StaticString) -> Bool {
    let expected = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    guard bytes[offset...].starts(with: expected) else { return false }
    offset += expected.count
    return true
  }

  private mutating func object(_ depth: Int) -> JSONValue? {
    offset += 1
    var fields: [(key: String, value: JSONValue)] = []
    if take(UInt8(ascii: "}")) { return .object(fields) }
    repeat {
      skipSpaces()
      guard next == UInt8(ascii: "\""), let key = string(), take(UInt8(ascii: ":")), let value = value(depth: depth + 1)
      else { return nil }
      fields.append((key, value))
    } while take(UInt8(ascii: ","))
    return take(UInt8(ascii: "}")) ? .object(fields) : nil
  }

  private mutating func array(_ depth: Int) -> JSONValue? {
    offset += 1
    var values: [JSONValue] = []
    if take(UInt8(ascii: "]")) { return .array(values) }
    repeat {
      guard let value = value(depth: depth + 1) else { return nil }
      values.append(value)
    } while take(UInt8(ascii: ","))
    return take(UInt8(ascii: "]")) ? .array(values) : nil
  }

  private mutating func string() -> String? {
    offset += 1
    var text: [UInt8] = []
    while let byte = next {
      offset += 1
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"):
        guard let scalar = escaped() else { return nil }
        text += Array(String(Character(scalar)).utf8)
      case 0..<0x20: return nil
      default: text.append(byte)
      }
    }
    return nil
  }

  /// What follows a backslash; pairs of surrogates are one scalar, single ones are refused.
  private mutating func escaped() -> Unicode.Scalar? {
    guard let byte = next else { return nil }
    offset += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{c}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      guard let first = hexadecimal() else { return nil }
      guard (0xd800..<0xdc00).contains(first) else { return Unicode.Scalar(first) }
      guard next == UInt8(ascii: "\\") else { return nil }
      offset += 1
      guard next == UInt8(ascii: "u") else { return nil }
      offset += 1
      guard let second = hexadecimal(), (0xdc00..<0xe000).contains(second) else { return nil }
      return Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00))
    default: return nil
    }
  }

  private mutating func hexadecimal() -> UInt32? {
    guard offset + 4 <= bytes.count else { return nil }
    var value: UInt32 = 0
    for byte in bytes[offset..<offset + 4] {
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else { return nil }
      value = value << 4 | UInt32(digit)
    }
    offset += 4
    return value
  }

  /// `-`, digits without leading zeros, a fraction, an exponent.
  private mutating func number() -> JSONValue? {
    let start = offset
    func digits(_ parser: inout Parser) -> Int {
      let first = parser.offset
      while let byte = parser.next, (0x30...0x39).contains(byte) { parser.offset += 1 }
      return parser.offset - first
    }
    if next == UInt8(ascii: "-") { offset += 1 }
    let leadsWithZero = next == UInt8(ascii: "0")
    let whole = digits(&self)
    guard whole > 0, !leadsWithZero || whole == 1 else { return nil }
    if next == UInt8(ascii: ".") {
      offset += 1
      guard digits(&self) > 0 else { return nil }
    }
    if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
      offset += 1
      if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { offset += 1 }
      guard digits(&self) > 0 else { return nil }
    }
    let text = String(decoding: bytes[start..<offset], as: UTF8.self)
    guard let value = Double(text) else { return nil }
    return .number(value, exact: Int(text) ?? Int(exactly: value))
  }
}
