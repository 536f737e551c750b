/// The emoji of the full world, a line each, in files by theme.
///
/// A line is the emoji, an adjective of color that is true of it where there is one, and its names: the first is its
/// identity, the others are synonyms. A plural that rules do not give stands after a slash. A name after `~` takes no
/// article and is not counted, as "popcorn" or "scissors". Names are Unicode's where people use them, and what people
/// say where they do not; `Tools/vocabulary/missing` lists what Unicode has and these tables do not.
enum EmojiTable {
  /// Those of each theme, in a fixed order.
  static let themes: [[EmojiEntry]] = [
    nature, food, places, travel, activities, belongings, things, figures,
  ].map { $0.split(separator: "\n").map(entry) }

  /// Those of all themes, in a fixed order.
  static let entries = themes.flatMap { $0 }

  private static func entry(_ line: Substring) -> EmojiEntry {
    guard let space = line.firstIndex(of: " "), let scalar = line.unicodeScalars.first else {
      fatalError("a line of the vocabulary needs an emoji and a name: \(line)")
    }
    let parts = line[line.index(after: space)...].split(separator: ": ", maxSplits: 1)
    let names = parts[parts.count - 1].split(separator: ", ").map { EmojiEntry.Name(String($0)) }
    return EmojiEntry(scalar: scalar, names: names, color: parts.count == 2 ? String(parts[0]) : nil)
  }
}

/// An emoji of a world: how it is drawn and what people call it.
public struct EmojiEntry: Sendable {
  /// A noun with its plural.
  public struct Name: Sendable {
    /// The noun without an article, in the singular unless it has none.
    public let text: String
    /// What several are called; nil when the name takes no article and no number.
    public let plural: String?

    /// Reads "mouse/mice", "box" or "~popcorn".
    init(_ notation: String) {
      if notation.hasPrefix("~") {
        text = String(notation.dropFirst())
        plural = nil
      } else {
        let forms = notation.split(separator: "/")
        text = String(forms[0])
        plural = forms.count > 1 ? String(forms[1]) : English.plural(text)
      }
    }
  }

  /// The code point that the font draws.
  public let scalar: Unicode.Scalar
  /// The first is its identity, the others are synonyms.
  public let allNames: [Name]
  /// An adjective that is true of it and that people may add.
  public let color: String?

  init(scalar: Unicode.Scalar, names: [Name], color: String?) {
    self.scalar = scalar
    allNames = names
    self.color = color
  }

  /// The names in the singular.
  public var names: [String] { allNames.map(\.text) }

  /// The names that a number may stand before.
  var countedNames: [Name] { allNames.filter { $0.plural != nil } }
}
