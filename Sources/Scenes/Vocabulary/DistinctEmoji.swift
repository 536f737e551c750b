import Images

/// Selects emoji that do not look alike; the vocabulary of the medium world was made with it.
public enum DistinctEmoji {
  /// The first `count` emoji of the full world that look like none before them and like no shape: less alike than
  /// `limit`, from -1 to 1.
  ///
  /// All emoji of the small world come first, so that models of it can be trained further; then those whose first name
  /// is one word, of all themes in turn; then the others.
  public static func choose(count: Int, limit: Float, font: GlyphFont) throws(GlyphFont.Failure) -> [EmojiEntry] {
    let small = World.small.emoji
    let (known, names) = (Set(small.map(\.scalar)), Set(small.flatMap(\.names)))
    // One name stands for one emoji: "cat" is the face in the small world, the whole animal in the full one.
    let others = EmojiTable.themes.map { $0.filter { !known.contains($0.scalar) && names.isDisjoint(with: $0.names) } }
    let order = inTurn(others.map { $0.filter(\.isOneWord) }) + inTurn(others.map { $0.filter { !$0.isOneWord } })
    let shapes = VectorShape.allCases.flatMap { shape in
      ColorName.allCases.map { Portrait(shape.sprite().tinted($0.shapeColor)) }
    }
    func portrait(_ entry: EmojiEntry) throws(GlyphFont.Failure) -> Portrait { Portrait(try font.sprite(entry.scalar)) }
    var chosen: [(entry: EmojiEntry, portrait: Portrait)] = []
    for entry in small { chosen.append((entry, try portrait(entry))) }
    for entry in order where chosen.count < count {
      let portrait = try portrait(entry)
      let isNew =
        chosen.allSatisfy { portrait.likeness($0.portrait) < limit }
        && shapes.allSatisfy { portrait.likeness($0) < limit }
      if isNew { chosen.append((entry, portrait)) }
    }
    return chosen.map(\.entry)
  }

  /// The similarity of two emoji, from -1 to 1.
  public static func likeness(
    _ first: EmojiEntry, _ second: EmojiEntry, font: GlyphFont
  ) throws(GlyphFont.Failure) -> Float {
    Portrait(try font.sprite(first.scalar)).likeness(Portrait(try font.sprite(second.scalar)))
  }

  /// The first of every list, then the second of every list, and so on.
  private static func inTurn<T>(_ lists: [[T]]) -> [T] {
    (0..<(lists.map(\.count).max() ?? 0)).flatMap { turn in lists.compactMap { $0.indices ~= turn ? $0[turn] : nil } }
  }

  /// What a sprite changes on a white, a gray and a black canvas, each of length 1: the same as the judge's templates.
  private struct Portrait {
    private static let side = 32
    private let changes: [[Float]]

    init(_ sprite: Sprite) {
      changes = [255, 128, 0].map { (shade: UInt8) in
        var canvas = PixelCanvas(width: Self.side, height: Self.side, color: Color(shade, shade, shade))
        canvas.draw(sprite, centerX: Double(Self.side) / 2, centerY: Double(Self.side) / 2, side: 26)
        let values = canvas.image.pixels.map { Float($0) - Float(shade) }
        let length = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return values.map { $0 / max(length, 1) }
      }
    }

    /// The mean of the cosines on the three canvases.
    func likeness(_ other: Portrait) -> Float {
      zip(changes, other.changes).map { a, b in
        a.withUnsafeBufferPointer { a in
          b.withUnsafeBufferPointer { b in
            var sum: Float = 0
            for index in a.indices { sum += a[index] * b[index] }
            return sum
          }
        }
      }.reduce(0, +) / Float(changes.count)
    }
  }
}

extension EmojiEntry {
  /// Whether its first name is one word.
  fileprivate var isOneWord: Bool { !names[0].contains { $0 == " " || $0 == "-" } }
}
