/// Looks names up forgivingly: case, spaces, dashes and underscores do not count, and "++" is "pp".
public struct NameTable<Value> {
  private let entries: [(key: String, value: Value)]

  /// Names with what they stand for; several may stand for one thing.
  public init(_ names: [(String, Value)]) {
    entries = names.map { (Self.key($0.0), $0.1) }
  }

  /// What was found, or what may have been meant.
  public enum Answer {
    /// The value of the name.
    case found(Value)
    /// No entry has the name; `nearest` is the value of the nearest one, or nil if that is too far away to be meant.
    case missing(nearest: Value?)
  }

  /// The value of a name, or the value of the nearest name when it is near enough to have been meant.
  public func lookUp(_ name: String) -> Answer {
    let wanted = Self.key(name)
    if let entry = entries.first(where: { $0.key == wanted }) { return .found(entry.value) }
    let ranked = entries.map { (value: $0.value, distance: Self.distance(wanted, $0.key)) }
    // One slip, and one more for every four letters: what is further away was not meant.
    guard let best = ranked.min(by: { $0.distance < $1.distance }), best.distance <= max(1, wanted.count / 4)
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

  /// The name's letters and digits, as they are compared.
  public static func key(_ name: String) -> String {
    var key = name.lowercased().filter { $0.isLetter || $0.isNumber || $0 == "+" }
    while let range = key.firstRange(of: "++") { key.replaceSubrange(range, with: "pp") }
    return key
  }

  /// How many slips of a finger make one name of the other: letters inserted, removed, replaced, or two exchanged
  /// (optimal string alignment).
  private static func distance(_ a: String, _ b: String) -> Int {
    let (a, b) = (Array(a), Array(b))
    var rows = [Array(0...b.count)]
    for i in a.indices {
      var row = [i + 1]
      for j in b.indices {
        let replaced = rows[i][j] + (a[i] == b[j] ? 0 : 1)
        var least = min(replaced, rows[i][j + 1] + 1, row[j] + 1)
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { least = min(least, rows[i - 1][j - 1] + 1) }
        row.append(least)
      }
      rows.append(row)
    }
    return rows[a.count][b.count]
  }
}
