import Testing

@testable import Scenes

@Suite struct EmojiTableTests {
  private let entries = EmojiTable.entries

  @Test func everyEmojiHasAGlyph() throws {
    let font = try GlyphFont.notoColorEmoji()
    for entry in entries { #expect(throws: Never.self) { try font.sprite(entry.scalar) } }
  }

  @Test func emojiAndNamesAreUnique() {
    #expect(Set(entries.map(\.scalar)).count == entries.count)
    var owners: [String: String] = [:]
    for entry in entries {
      for name in entry.names {
        #expect(owners[name] == nil, "\(name) is \(owners[name] ?? "") and \(entry.names[0])")
        owners[name] = entry.names[0]
      }
    }
  }

  @Test func namesAreNotThoseOfShapes() {
    let shapes = Set(VectorShape.allCases.flatMap(\.captionNames))
    for name in entries.flatMap(\.names) { #expect(!shapes.contains(name), "\(name)") }
  }

  @Test func colorsAreNotSaidTwice() {
    for entry in entries {
      guard let color = entry.color else { continue }
      for name in entry.names { #expect(!name.contains(color), "a \(color) \(name)") }
    }
  }

  /// Rules change the last word, or the one before "of" and the like; where neither is right the table has the plural.
  @Test func pluralsDoNotEndInAClause() {
    for name in entries.flatMap(\.allNames) {
      guard let plural = name.plural else { continue }
      let words = name.text.split(separator: " ")
      let hasClause = words.contains { ["that", "a", "its", "blowing", "taking"].contains($0) }
      #expect(!hasClause || plural != name.text + "s" && plural != name.text + "es", "\(plural)")
    }
  }

  @Test func manyHaveSynonyms() { #expect(entries.filter { $0.names.count > 1 }.count >= 150) }

  @Test func namesAreWords() {
    for name in entries.flatMap(\.names) {
      #expect(name.allSatisfy { $0.isLetter || " -'.".contains($0) }, "\(name)")
      #expect(name.first != " " && name.last != " ")
    }
  }

  @Test func theSmallWorldIsAsItWas() {
    #expect(World.small.objects.count == 144)
    #expect(World.small.emoji[0].names == ["apple"])
    #expect(World.small.objects == GlyphAtlas.objects)
  }
}
