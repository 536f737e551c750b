import Support

/// Facts about a file, in order: printed as lines of text or as one JSON object.
struct Facts {
  private var fields: [(key: String, value: JSONValue)] = []

  /// Adds a fact; nil and null are left out.
  mutating func add(_ key: String, _ value: JSONValue?) {
    if let value, !value.isNull { fields.append((key, value)) }
  }

  mutating func add(_ key: String, _ value: String?) { add(key, JSONValue.optional(value)) }
  mutating func add(_ key: String, _ value: Int?) { add(key, value.map { JSONValue.int($0) }) }
  mutating func add(_ key: String, _ value: Double?) { add(key, value.map { JSONValue.double($0) }) }

  /// Adds all facts of another list.
  mutating func add(_ facts: Facts) { fields += facts.fields }

  /// All facts as one JSON object.
  var json: JSONValue { .object(fields) }

  /// One line for each fact, with the values in a column.
  var lines: [String] {
    let width = fields.map(\.key.count).max() ?? 0
    return fields.map { key, value in
      let name = String(key.map { $0 == "_" ? " " : $0 })
      let text = Self.text(of: value).split(separator: "\n", omittingEmptySubsequences: false)
      let indented = text.joined(separator: "\n" + String(repeating: " ", count: width + 2))
      return name + String(repeating: " ", count: width + 2 - name.count) + indented
    }
  }

  private static func text(of value: JSONValue) -> String {
    switch value {
    case .string(let text): return text
    case .array(let values):
      let isTable = values.contains { $0.fields != nil }
      return values.map { text(of: $0) }.joined(separator: isTable ? "\n" : ", ")
    case .object(let fields):
      return fields.map {
        $0.key == "name" ? text(of: $0.value) : "\($0.key.replacing("_", with: " ")) \(text(of: $0.value))"
      }
      .joined(separator: ", ")
    default: return value.text
    }
  }
}

/// Sizes in messages.
enum ByteCount {
  /// Bytes in decimal units: `10.5 MB`.
  static func text(_ bytes: Int) -> String {
    if bytes < 1000 { return "\(bytes) bytes" }
    var (value, unit) = (Double(bytes) / 1000, "kB")
    for next in ["MB", "GB", "TB"] where value >= 999.95 { (value, unit) = (value / 1000, next) }
    return value < 99.95 ? "\((value * 10).rounded() / 10) \(unit)" : "\(Int(value.rounded())) \(unit)"
  }
}
