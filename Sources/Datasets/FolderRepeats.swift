import Support

/// Images repeated by the names of their folders, as kohya's scripts do: those in `10_cats` count ten times in an epoch.
enum FolderRepeats {
  /// The largest number of repeats.
  static let most = 1000

  /// Every entry as often as the first folder of its path says, once without a number; `path` names the root in errors.
  static func applied(to entries: [ImageEntry], path: String) throws(DatasetError) -> [ImageEntry] {
    var repeated: [ImageEntry] = []
    var hasNumber = false
    for entry in entries {
      let count = number(of: entry.name)
      hasNumber = hasNumber || count != nil
      if let count, count > most {
        let folder = entry.name.description.prefix { $0 != "/" }
        throw .manyRepeats(folder: String(folder), most: most)
      }
      repeated += [ImageEntry](repeating: entry, count: count ?? 1)
    }
    if !hasNumber { throw .noRepeats(path: path) }
    return repeated
  }

  /// The number before the underscore in the first folder of a path; nil if there is none.
  static func number(of name: ByteString) -> Int? {
    let parts = name.description.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count > 1, let match = parts[0].wholeMatch(of: /([1-9][0-9]*)_.*/) else { return nil }
    return Int(match.1) ?? .max
  }
}
