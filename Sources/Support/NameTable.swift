/// Looks names up forgivingly: case, spaces, dashes and underscores do not count, and "++" is "pp".
public struct NameTable<Value> {
  private let entries: [(key: String, value: Value)]

  /// Names with what they stand for; several may stand for one thing.
  public init(_ names: [(String, Value)]) {
    entries = names.map { (Self.key($0.0), $0.1) }
  }

  /// What was found, or what may have been meant.
  public enum Answer {
    case found(Value)
    case missing(nearest: Value?)
  }

  /// The value of a name, or the value of the nearest name when it is near enough to have been meant.
  public func lookUp(_ name: String) -> Answer {
    let wanted = Self.key(name)
    if let entry = entries.first(where: { $0.key == wanted }) { return .found(entry.value) }
    let ranked = entries.map { (value: $0.value, distance: Self.distance(wanted, $0.key)) }
    guard let best = ranked.min(by: { $0.distance < $1.distance }), best.distance <= max(2, wanted.count / 3)
    else { return .missing(nearest: nil) }
    return .missing(nearest: best.value)
  }

  /// The value of the nearest name, when it is near enough to have been meant.
  public func nearest(to name: String) -> Value? {
    switch lookUp(name) {
    case .found(let value): value
    case .missing(let near): near
    }
  }

  private static func key(_ name: String) -> String {
    var key = name.lowercased().filter { $0.isLetter || $0.isNumber || $0 == "+" }
    while let range = key.firstRange(of: "++") { key.replaceSubrange(range, with: "pp") }
    return key
  }

  /// Levenshtein distance: single letters inserted, removed or replaced.
  private static func distance(_ a: String, _ b: String) -> Int {
    var row = Array(0...b.count)
    for (i, x) in a.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, y) in b.enumerated() {
        let replaced = diagonal + (x == y ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(replaced, min(row[j], row[j + 1]) + 1)
      }
    }
    return row[b.count]
  }
}
