/// The little grammar that captions need.
enum English {
  /// "a" or "an", by the sound that a word begins with.
  static func article(before word: String) -> String {
    let word = word.lowercased()
    if silentH.contains(where: word.hasPrefix) || spelled.contains(where: word.hasPrefix) { return "an" }
    if consonantSounds.contains(where: word.hasPrefix) { return "a" }
    return word.first.map { "aeiou".contains($0) } ?? false ? "an" : "a"
  }

  private static let silentH = ["hour", "heir", "honest", "honour"]
  private static let spelled = ["x-", "suv", "mri", "fm "]
  private static let consonantSounds = ["uni", "eu", "ufo", "use", "one-", "uk"]

  /// One to six in words.
  static func number(_ count: Int) -> String {
    ["zero", "one", "two", "three", "four", "five", "six"][count]
  }

  /// "a, b and c".
  static func list(_ items: [String]) -> String {
    items.count < 2 ? items.joined() : items.dropLast().joined(separator: ", ") + " and " + items[items.count - 1]
  }

  /// The plural of a noun of one or more words: the last word changes, or the one before "of", "with" and the like.
  static func plural(_ noun: String) -> String {
    var words = noun.split(separator: " ").map(String.init)
    let head = words.firstIndex { linking.contains($0) }.map { $0 - 1 } ?? words.count - 1
    guard words.indices.contains(head) else { fatalError("\"\(noun)\" has no word to put into the plural") }
    words[head] = pluralWord(words[head])
    return words.joined(separator: " ")
  }

  private static let linking: Set = ["of", "with", "in", "on", "over", "behind", "under", "at"]

  private static func pluralWord(_ word: String) -> String {
    if let form = irregular[word] { return form }
    if word.hasSuffix("man"), word != "human", word != "shaman" { return word.dropLast(2) + "en" }
    if ["s", "x", "z", "ch", "sh"].contains(where: word.hasSuffix) { return word + "es" }
    if word.hasSuffix("y"), let before = word.dropLast().last, !"aeiou".contains(before) {
      return word.dropLast() + "ies"
    }
    return word + "s"
  }

  private static let irregular = [
    "cactus": "cacti", "foot": "feet", "goose": "geese", "knife": "knives", "leaf": "leaves", "loaf": "loaves",
    "mango": "mangoes", "mosquito": "mosquitoes", "mouse": "mice", "potato": "potatoes", "scarf": "scarves",
    "sheaf": "sheaves", "shelf": "shelves", "tomato": "tomatoes", "tooth": "teeth", "tornado": "tornadoes",
    "volcano": "volcanoes", "wolf": "wolves", "buffalo": "buffaloes",
  ]
}
