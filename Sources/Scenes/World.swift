/// How much there is to draw: one renderer, one grammar and one held-out rule serve all worlds.
public enum World: String, Sendable, Codable, CaseIterable {
  /// 64 emoji, 8 shapes in 10 colours, 15 backgrounds, one or two objects: what two CPU cores can learn.
  case small
  /// 256 emoji that do not look alike, 12 shapes in 11 colours, counts, gradients and stickers: for some days of a CPU, or
  /// an hour of a GPU. Nothing is smaller than a fifth of the canvas.
  case medium
  /// All nameable emoji, 12 shapes in 11 colours, counts, three objects, patterned backgrounds and looks.
  case full

  /// The emoji, in a fixed order.
  public var emoji: [EmojiEntry] {
    switch self {
    case .small: Vocabulary.emoji
    case .medium: MediumVocabulary.emoji
    case .full: EmojiTable.entries
    }
  }

  /// The vector shapes, in a fixed order.
  public var shapes: [VectorShape] {
    switch self {
    case .small: [.circle, .square, .triangle, .star, .heart, .diamond, .ring, .cross]
    case .medium, .full: VectorShape.allCases
    }
  }

  /// The colours of shapes and backgrounds, in a fixed order.
  public var colours: [ColourName] {
    switch self {
    case .small: ColourName.allCases.filter { $0 != .grey }
    case .medium, .full: ColourName.allCases
    }
  }

  /// The landscapes, in a fixed order.
  public var landscapes: [Scene.Landscape] {
    switch self {
    case .small: [.grass, .beach, .night, .snow, .sea]
    case .medium, .full: Scene.Landscape.allCases
    }
  }

  /// Every background that its scenes may have, in a fixed order.
  public var backgrounds: [Scene.Background] {
    let simple = colours.map { Scene.Background.plain($0) } + landscapes.map { .landscape($0) }
    if self == .small { return simple }
    let pairs = colours.flatMap { a in colours.filter { $0 != a }.map { (a, $0) } }
    let gradients = pairs.map { Scene.Background.gradient(top: $0, bottom: $1) }
    if self == .medium { return simple + gradients }
    return simple + gradients
      + Scene.Pattern.allCases.flatMap { pattern in pairs.map { .pattern(pattern, ground: $0, figure: $1) } }
  }

  /// Share of the captions that state every fact, unless a collection has its own (`SceneEmphasis.fullCaptions`).
  public var fullCaptions: Double { self == .medium ? 0.75 : 0 }

  /// The nouns of all objects, in a fixed order: a shape has one for all its colours.
  public var nouns: [String] { emoji.map { $0.names[0] } + shapes.map(\.rawValue) }

  /// All objects, in a fixed order: their places are the labels of `Scene.cells`, less one.
  public var objects: [SceneObject] { Self.catalogues[self]!.objects }

  /// Number of labels that `Scene.cells` uses, the background's included.
  public var cellLabelCount: Int { objects.count + 1 }

  /// The entry of an emoji by its first name.
  public func entry(_ name: String) -> EmojiEntry? { Self.catalogues[self]!.entries[name] }

  /// The label of an object's cells; traps for one that is not in this world.
  func label(of object: SceneObject) -> Int {
    guard let label = Self.catalogues[self]!.labels[object] else {
      fatalError("\(object.label) is not in the \(rawValue) world")
    }
    return label
  }

  private struct Catalogue {
    let objects: [SceneObject]
    let labels: [SceneObject: Int]
    let entries: [String: EmojiEntry]

    init(_ world: World) {
      objects =
        world.emoji.map { .emoji($0.names[0]) }
        + world.shapes.flatMap { shape in world.colours.map { SceneObject.shape(shape, $0) } }
      labels = Dictionary(uniqueKeysWithValues: objects.enumerated().map { ($1, $0 + 1) })
      entries = Dictionary(uniqueKeysWithValues: world.emoji.map { ($0.names[0], $0) })
    }
  }

  private static let catalogues = Dictionary(uniqueKeysWithValues: allCases.map { ($0, Catalogue($0)) })
}
