/// The size of the vocabulary; all worlds share the renderer, the grammar and the held-out rule.
public enum World: String, Sendable, Codable, CaseIterable {
  /// 64 emoji, 8 shapes in 10 colors, 15 backgrounds, one or two objects: trainable on two CPU cores.
  case small
  /// 256 emoji that do not look alike, 12 shapes in 11 colors, counts, gradients and stickers: some days on a CPU, or
  /// an hour on a GPU. Nothing is smaller than a fifth of the canvas.
  case medium
  /// All nameable emoji, 12 shapes in 11 colors, counts, three objects, patterned backgrounds and styles.
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

  /// The colors of shapes and backgrounds, in a fixed order.
  public var colors: [ColorName] {
    switch self {
    case .small: ColorName.allCases.filter { $0 != .gray }
    case .medium, .full: ColorName.allCases
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
    let simple = colors.map { Scene.Background.plain($0) } + landscapes.map { .landscape($0) }
    if self == .small { return simple }
    let pairs = colors.flatMap { a in colors.filter { $0 != a }.map { (a, $0) } }
    let gradients = pairs.map { Scene.Background.gradient(top: $0, bottom: $1) }
    if self == .medium { return simple + gradients }
    return simple + gradients
      + Scene.Pattern.allCases.flatMap { pattern in pairs.map { .pattern(pattern, ground: $0, figure: $1) } }
  }

  /// Default fraction of captions that state every fact (`SceneEmphasis.fullCaptions`).
  public var fullCaptions: Double { self == .medium ? 0.75 : 0 }

  /// The nouns of all objects, in a fixed order: one per shape, for all its colors.
  public var nouns: [String] { emoji.map { $0.names[0] } + shapes.map(\.rawValue) }

  /// All objects, in a fixed order: the index plus one is the label in `Scene.cells`.
  public var objects: [SceneObject] { Self.catalogs[self]!.objects }

  /// Number of labels that `Scene.cells` uses, including the background's.
  public var cellLabelCount: Int { objects.count + 1 }

  /// The entry of an emoji by its first name.
  public func entry(_ name: String) -> EmojiEntry? { Self.catalogs[self]!.entries[name] }

  /// The label of an object's cells; traps if it is not in this world.
  func label(of object: SceneObject) -> Int {
    guard let label = Self.catalogs[self]!.labels[object] else {
      fatalError("\(object.label) is not in the \(rawValue) world")
    }
    return label
  }

  private struct Catalog {
    let objects: [SceneObject]
    let labels: [SceneObject: Int]
    let entries: [String: EmojiEntry]

    init(_ world: World) {
      objects =
        world.emoji.map { .emoji($0.names[0]) }
        + world.shapes.flatMap { shape in world.colors.map { SceneObject.shape(shape, $0) } }
      labels = Dictionary(uniqueKeysWithValues: objects.enumerated().map { ($1, $0 + 1) })
      entries = Dictionary(uniqueKeysWithValues: world.emoji.map { ($0.names[0], $0) })
    }
  }

  private static let catalogs = Dictionary(uniqueKeysWithValues: allCases.map { ($0, Catalog($0)) })
}

extension World {
  /// An object with its article or its number: "an apple", "three apples", "a red circle", "popcorn".
  ///
  /// `name` selects one of its names, modulo their number; 0 is the most common.
  public func phrase(_ object: SceneObject, count: Int = 1, name: Int = 0) -> String {
    let (color, word) = words(for: object, counted: count > 1, name)
    if count > 1 {
      return ([English.number(count), color, word.plural ?? word.text] as [String?]).compactMap { $0 }
        .joined(separator: " ")
    }
    guard word.plural != nil else { return word.text }
    let noun = [color, word.text].compactMap { $0 }.joined(separator: " ")
    return "\(English.article(before: noun)) \(noun)"
  }

  /// Number of names of an object.
  public func nameCount(_ object: SceneObject) -> Int {
    switch object {
    case .emoji(let name): entry(name)?.allNames.count ?? 0
    case .shape(let shape, _): shape.distinctNames.count
    }
  }

  private func words(
    for object: SceneObject, counted: Bool, _ name: Int
  ) -> (color: String?, word: EmojiEntry.Name) {
    switch object {
    case .shape(let shape, let color):
      let names = shape.distinctNames
      return (color.rawValue, EmojiEntry.Name(names[name % names.count]))
    case .emoji(let identity):
      guard let entry = entry(identity) else { fatalError("\(identity) is not in the vocabulary") }
      let names = counted && !entry.countedNames.isEmpty ? entry.countedNames : entry.allNames
      return (nil, names[name % names.count])
    }
  }
}

extension VectorShape {
  /// What captions call it, each name once.
  var distinctNames: [String] {
    captionNames.reduce(into: []) { names, name in if !names.contains(name) { names.append(name) } }
  }
}
