import Images

/// An object of a scene: an emoji in its own colors, or a vector shape in one of its world's.
public enum SceneObject: Sendable, Hashable, Codable {
  /// An emoji by its first name in `World.emoji`.
  case emoji(String)
  /// A vector shape in one color.
  case shape(VectorShape, ColorName)

  /// Its noun: "apple", "circle".
  public var noun: String {
    switch self {
    case .emoji(let name): name
    case .shape(let shape, _): shape.rawValue
    }
  }

  /// Identifies the object: "apple", "red circle".
  public var label: String {
    switch self {
    case .emoji(let name): name
    case .shape(let shape, let color): "\(color.rawValue) \(shape.rawValue)"
    }
  }
}

/// The colors that shapes and plain backgrounds have.
public enum ColorName: String, Sendable, Codable, CaseIterable {
  /// A color of every world.
  case red, orange, yellow, green, blue, purple, pink, brown, black, white
  /// Gray, spelled "grey" in captions and files; not in the small world.
  case gray = "grey"

  /// The RGB value of shapes.
  public var shapeColor: Color {
    switch self {
    case .red: Color(214, 34, 34)
    case .orange: Color(246, 128, 12)
    case .yellow: Color(252, 206, 16)
    case .green: Color(30, 148, 60)
    case .blue: Color(26, 86, 216)
    case .purple: Color(116, 42, 178)
    case .pink: Color(242, 92, 168)
    case .brown: Color(110, 64, 32)
    case .black: Color(20, 20, 22)
    case .white: Color(252, 252, 252)
    case .gray: Color(128, 130, 134)
    }
  }

  /// The RGB value of backgrounds: less saturated, so that shapes stand out even from a similar color.
  public var backgroundColor: Color {
    switch self {
    case .red: Color(228, 92, 84)
    case .orange: Color(248, 170, 92)
    case .yellow: Color(252, 228, 120)
    case .green: Color(122, 196, 114)
    case .blue: Color(98, 156, 234)
    case .purple: Color(162, 122, 210)
    case .pink: Color(248, 182, 208)
    case .brown: Color(164, 122, 92)
    case .black: Color(42, 42, 48)
    case .white: Color(246, 246, 244)
    case .gray: Color(186, 188, 192)
    }
  }
}
