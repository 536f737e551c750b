import Foundation

/// Configuration files: JSON objects whose keys are in snake case.
public enum JSONFile {
  /// The size limit of a file, in bytes.
  public static let limit = 1 << 24

  /// Reads and validates a configuration; the error names the file, the key, its value and what was expected.
  ///
  /// `check` sees all fields first, those that the type does not know included.
  public static func read<Configuration: ModelConfiguration>(
    _ url: URL, as type: Configuration.Type = Configuration.self,
    check: ([String: Any]) throws(ConfigurationError) -> Void = { _ in }
  ) throws(JSONFileError) -> Configuration {
    let (bytes, table) = try object(url)
    return try decode(bytes, table, of: url.path, check: check)
  }

  /// The same for fields that were derived from the file `file`, not read from it.
  public static func read<Configuration: ModelConfiguration>(
    _ fields: JSONValue, of file: String, as type: Configuration.Type = Configuration.self,
    check: ([String: Any]) throws(ConfigurationError) -> Void = { _ in }
  ) throws(JSONFileError) -> Configuration {
    let bytes = Data(fields.text.utf8)
    guard let table = (try? JSONSerialization.jsonObject(with: bytes)) as? [String: Any] else {
      throw .invalid(file: file, reason: "it is not a JSON object")
    }
    return try decode(bytes, table, of: file, check: check)
  }

  private static func decode<Configuration: ModelConfiguration>(
    _ bytes: Data, _ table: [String: Any], of file: String, check: ([String: Any]) throws(ConfigurationError) -> Void
  ) throws(JSONFileError) -> Configuration {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let configuration: Configuration
    do {
      configuration = try decoder.decode(Configuration.self, from: bytes)
    } catch {
      throw .invalid(
        file: file,
        reason: sentence(error, table) { changed in
          guard let bytes = try? JSONSerialization.data(withJSONObject: changed) else { return false }
          return (try? decoder.decode(Configuration.self, from: bytes)) == nil
        })
    }
    do throws(ConfigurationError) {
      try check(table)
      try configuration.validate()
    } catch { throw .invalid(file: file, reason: error.description) }
    return configuration
  }

  /// The class that a configuration belongs to; nil if the file names none or cannot be read.
  public static func className(_ url: URL) -> String? { (try? object(url))?.table["_class_name"] as? String }

  private static func object(_ url: URL) throws(JSONFileError) -> (bytes: Data, table: [String: Any]) {
    let read: [UInt8]
    do {
      read = Array(try FileSlice(path: url.path).read(limit: limit))
    } catch { throw .unreadable(error) }
    func parsed(_ bytes: Data) -> (bytes: Data, object: Any)? {
      (try? JSONSerialization.jsonObject(with: bytes)).map { (bytes, $0) }
    }
    guard let file = parsed(Data(read)) ?? parsed(Data(withoutNonFiniteNumbers(read))),
      let table = file.object as? [String: Any]
    else { throw .invalid(file: url.path, reason: "it is not a JSON object") }
    return (file.bytes, table)
  }

  /// The text with null for the words `NaN`, `Infinity` and `-Infinity`, which Python writes though JSON has no such numbers.
  private static func withoutNonFiniteNumbers(_ text: [UInt8]) -> [UInt8] {
    let words = ["-Infinity", "Infinity", "NaN"].map { Array($0.utf8) }
    var (result, isString, index): ([UInt8], Bool, Int) = ([], false, 0)
    while index < text.count {
      if !isString, let word = words.first(where: { text[index...].starts(with: $0) }) {
        result += Array("null".utf8)
        index += word.count
        continue
      }
      if isString, text[index] == UInt8(ascii: "\\"), index + 1 < text.count {
        result += text[index...index + 1]
        index += 2
        continue
      }
      if text[index] == UInt8(ascii: "\"") { isString.toggle() }
      result.append(text[index])
      index += 1
    }
    return result
  }

  /// Writes a configuration, with the name of the class that it belongs to and further entries; atomically.
  public static func write(
    _ value: some Encodable, className: String? = nil, adding entries: [String: String] = [:], to url: URL
  ) throws(FileError) {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    guard let body = try? encoder.encode(value), let object = try? JSONSerialization.jsonObject(with: body),
      var table = object as? [String: Any]
    else { fatalError("a configuration of plain values always encodes") }
    table["_class_name"] = className
    table.merge(entries) { $1 }
    guard let json = try? JSONSerialization.data(withJSONObject: table, options: [.prettyPrinted, .sortedKeys]) else {
      fatalError("a table of plain values always encodes")
    }
    try AtomicFile.write(Array(json) + [10], to: url)
  }

  /// A value of a file in messages.
  public static func shown(_ value: Any?) -> String {
    switch value {
    case nil: "missing"
    case is NSNull: "null"
    case let text as String: "\"\(text.prefix(60))\""
    case let number as NSNumber: isBoolean(number) ? (number.boolValue ? "true" : "false") : "\(number)"
    case is [Any]: "a list"
    default: "an object"
    }
  }

  private static func isBoolean(_ number: NSNumber) -> Bool { String(cString: number.objCType) == "c" }

  /// A decoding error: the key, its value, what was expected; `fails` says whether another table is refused, too.
  private static func sentence(
    _ error: any Error, _ table: [String: Any], _ fails: ([String: Any]) -> Bool
  ) -> String {
    switch error {
    case DecodingError.keyNotFound(let key, let context):
      return "\(path(context.codingPath + [key])) is missing"
    case DecodingError.typeMismatch(let type, let context):
      return mismatch(context.codingPath, table, name(of: type))
    case DecodingError.valueNotFound(let type, let context):
      return mismatch(context.codingPath, table, name(of: type))
    case DecodingError.dataCorrupted(let context):
      // Foundation does not say where a number is that no whole number holds: each is tried alone.
      if context.codingPath.isEmpty,
        let (key, number) = oddNumbers(in: table).first(where: { fails(keeping($0.key, in: table)) })
      {
        return "\(key) is \(number), expected a whole number that fits"
      }
      let isOurs = context.debugDescription.hasPrefix("expected ")
      return mismatch(
        context.codingPath, table, isOurs ? String(context.debugDescription.dropFirst(9)) : "a whole number that fits")
    default: return "\(error)"
    }
  }

  /// The numbers that are not whole or beyond 64 bits, and where they are.
  private static func oddNumbers(in value: Any, at path: String = "") -> [(key: String, number: NSNumber)] {
    switch value {
    case let table as [String: Any]:
      table.sorted { $0.key < $1.key }.flatMap { oddNumbers(in: $0.value, at: inside(path, $0.key)) }
    case let list as [Any]: list.enumerated().flatMap { oddNumbers(in: $0.element, at: "\(path)[\($0.offset)]") }
    case let number as NSNumber: Int(exactly: number.doubleValue) == nil ? [(path, number)] : []
    default: []
    }
  }

  /// A table with 0 in place of all of these numbers but one.
  private static func keeping(_ key: String, in table: [String: Any], at path: String = "") -> [String: Any] {
    func kept(_ value: Any, _ path: String) -> Any {
      switch value {
      case let table as [String: Any]: keeping(key, in: table, at: path)
      case let list as [Any]: list.enumerated().map { kept($0.element, "\(path)[\($0.offset)]") }
      case let number as NSNumber: path == key || Int(exactly: number.doubleValue) != nil ? number : 0 as NSNumber
      default: value
      }
    }
    return Dictionary(uniqueKeysWithValues: table.map { ($0.key, kept($0.value, inside(path, $0.key))) })
  }

  private static func inside(_ path: String, _ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  private static func mismatch(_ keys: [any CodingKey], _ table: [String: Any], _ expected: String) -> String {
    var value: Any? = table
    for key in keys {
      if let index = key.intValue {
        let list = value as? [Any] ?? []
        value = list.indices.contains(index) ? list[index] : nil
      } else {
        value = (value as? [String: Any])?[snakeCase(key.stringValue)]
      }
    }
    return "\(path(keys)) is \(shown(value)), expected \(expected)"
  }

  private static func path(_ keys: [any CodingKey]) -> String {
    keys.reduce(into: "") { path, key in
      if let index = key.intValue {
        path += "[\(index)]"
      } else {
        path += (path.isEmpty ? "" : ".") + snakeCase(key.stringValue)
      }
    }
  }

  private static func snakeCase(_ name: String) -> String {
    name.reduce(into: "") { $0 += $1.isUppercase ? "_\($1.lowercased())" : String($1) }
  }

  private static func name(of type: Any.Type) -> String {
    switch type {
    case is any FixedWidthInteger.Type: "a whole number"
    case is any BinaryFloatingPoint.Type: "a number"
    case is Bool.Type: "true or false"
    case is String.Type: "text"
    case is [String: Any].Type: "an object"
    case is any Sequence.Type: "a list"
    default: "an object"
    }
  }
}

/// Why a configuration file cannot be used.
public enum JSONFileError: Error, CustomStringConvertible, Sendable, Equatable {
  /// The file cannot be opened, is not a regular file, or is larger than `JSONFile.limit`.
  case unreadable(FileError)
  /// The file is not a JSON object, lacks a key, or has a value that is not valid; `reason` names key and value.
  case invalid(file: String, reason: String)

  public var description: String {
    switch self {
    case .unreadable(let error): error.description
    case .invalid(let file, let reason): "\(file): \(reason)"
    }
  }
}
