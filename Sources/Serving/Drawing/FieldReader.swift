import Support

/// Reads the fields of a JSON object and knows which of them nobody asked for.
///
/// `null` is the same as a missing field. Errors name the field, what was expected and what is there.
struct FieldReader {
  /// The object.
  let fields: [(key: String, value: JSONValue)]
  private let isForm: Bool
  private var read: Set<String> = []

  /// Reads fields; in those of a form all values are text, also numbers and switches.
  init(_ fields: [(key: String, value: JSONValue)], isForm: Bool = false) {
    (self.fields, self.isForm) = (fields, isForm)
  }

  /// Reads a body, which has to be a JSON object.
  init(body: [UInt8]) throws(RequestError) {
    guard let fields = JSONValue(body)?.fields else {
      throw RequestError("the body is not a JSON object", code: "invalid_json")
    }
    self.init(fields)
  }

  /// Fields that are not null and that nobody asked for, in their order.
  var unread: [String] { fields.filter { !read.contains($0.key) && !$0.value.isNull }.map(\.key) }

  /// The value of a field; nil where it is missing or null.
  mutating func value(_ name: String) -> JSONValue? {
    read.insert(name)
    guard let value = fields.last(where: { $0.key.utf8.elementsEqual(name.utf8) })?.value, !value.isNull else {
      return nil
    }
    return value
  }

  /// A string with at most `longest` characters.
  mutating func string(_ name: String, longest: Int = 1000) throws(RequestError) -> String? {
    guard let value = value(name) else { return nil }
    guard let text = value.string else { throw mismatch(name, value, "text") }
    guard text.unicodeScalars.count <= longest else {
      throw RequestError("\(name) has \(text.unicodeScalars.count) characters; the limit is \(longest)", field: name)
    }
    return text
  }

  /// A whole number in a range.
  mutating func int(_ name: String, _ range: ClosedRange<Int>) throws(RequestError) -> Int? {
    guard let value = value(name) else { return nil }
    guard let number = value.int ?? (isForm ? value.string.flatMap { Int($0) } : nil) else {
      throw mismatch(name, value, "a whole number")
    }
    guard range.contains(number) else {
      throw RequestError("\(name) is \(number); it must be \(range.lowerBound) to \(range.upperBound)", field: name)
    }
    return number
  }

  /// A number in a range.
  mutating func number(_ name: String, _ range: ClosedRange<Double>) throws(RequestError) -> Double? {
    guard let value = value(name) else { return nil }
    guard let number = value.double ?? (isForm ? value.string.flatMap { Double($0) } : nil) else {
      throw mismatch(name, value, "a number")
    }
    guard range.contains(number) else {
      throw RequestError(
        "\(name) is \(number.shown); it must be \(range.lowerBound) to \(range.upperBound)", field: name)
    }
    return number
  }

  /// True or false.
  mutating func bool(_ name: String) throws(RequestError) -> Bool? {
    guard let value = value(name) else { return nil }
    switch value {
    case .bool(let answer): return answer
    case .string("true") where isForm: return true
    case .string("false") where isForm: return false
    default: throw mismatch(name, value, "true or false")
    }
  }

  /// True or false, which may be 1 or 0.
  mutating func flag(_ name: String) throws(RequestError) -> Bool? {
    switch value(name) {
    case .number(_, exact: 0?)?: return false
    case .number(_, exact: 1?)?: return true
    default: return try bool(name)
    }
  }

  /// A list.
  mutating func list(_ name: String) throws(RequestError) -> [JSONValue]? {
    guard let value = value(name) else { return nil }
    guard let values = value.array else { throw mismatch(name, value, "a list") }
    return values
  }

  /// An object.
  mutating func object(_ name: String) throws(RequestError) -> FieldReader? {
    guard let value = value(name) else { return nil }
    guard let fields = value.fields else { throw mismatch(name, value, "an object") }
    return FieldReader(fields)
  }

  private func mismatch(_ name: String, _ value: JSONValue, _ expected: String) -> RequestError {
    let found =
      switch value {
      case .object: "an object"
      case .array: "a list"
      case .string: "text"
      case .number: "a number"
      case .bool: "true or false"
      case .null: "null"
      }
    return RequestError("\(name) is \(found), expected \(expected)", field: name, code: "invalid_type")
  }
}
