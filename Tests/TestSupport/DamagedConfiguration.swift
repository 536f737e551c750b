import Foundation

/// Copies of a configuration file, each with one number replaced.
public enum DamagedConfiguration {
  /// What each number becomes in turn.
  private static var values: [(name: String, json: Any)] {
    [("0", 0), ("-1", -1), ("7", 7), ("2^62", 1 << 62), ("1e300", 1e300), ("\"x\"", "x"), ("null", NSNull())]
  }

  /// Runs `body` with the file in each damaged form, and the key that was damaged; restores the file.
  public static func forEach(_ file: URL, _ body: (_ key: String, _ value: String) throws -> Void) throws {
    let original = try Data(contentsOf: file)
    defer { try? original.write(to: file) }
    let object = try JSONSerialization.jsonObject(with: original)
    for path in numbers(in: object) {
      for value in values {
        let changed = replaced(object, path[...], value.json)
        try JSONSerialization.data(withJSONObject: changed).write(to: file)
        try body(path.compactMap { $0 as? String }.last ?? "", value.name)
      }
    }
  }

  /// The paths of all numbers: keys and indices.
  private static func numbers(in value: Any) -> [[Any]] {
    switch value {
    case let table as [String: Any]:
      table.sorted { $0.key < $1.key }.flatMap { key, value in numbers(in: value).map { [key as Any] + $0 } }
    case let list as [Any]: list.enumerated().flatMap { index, value in numbers(in: value).map { [index as Any] + $0 } }
    case let number as NSNumber where String(cString: number.objCType) != "c": [[]]
    default: []
    }
  }

  private static func replaced(_ value: Any, _ path: ArraySlice<Any>, _ new: Any) -> Any {
    guard let first = path.first else { return new }
    if let key = first as? String, var table = value as? [String: Any], let old = table[key] {
      table[key] = replaced(old, path.dropFirst(), new)
      return table
    }
    if let index = first as? Int, var list = value as? [Any] {
      list[index] = replaced(list[index], path.dropFirst(), new)
      return list
    }
    return value
  }
}
