import Images

/// Something that a scene can hold: an emoji in its own colours, or a vector shape in one of its world's.
public enum SceneObject: Sendable, Hashable, Codable {
  case emoji(String)  // its first name in `World.emoji`
  case shape(VectorShape, ColourName)

  /// The word that stands for it: "apple", "circle".
  public var noun: String {
    switch self {
    case .emoji(let name): name
    case .shape(let shape, _): shape.rawValue
    }
  }

  /// What makes it this object and no other: "apple", "red circle".
  public var label: String {
    switch self {
    case .emoji(let name): name
    case .shape(let shape, let colour): "\(colour.rawValue) \(shape.rawValue)"
    }
  }
}

/// The colours that shapes and plain backgrounds have.
public enum ColourName: String, Sendable, Codable, CaseIterable {
  case red, orange, yellow, green, blue, purple, pink, brown, black, white
  case grey  // in the full world alone

  /// As shapes are painted.
  public var shapeColour: Colour {
    switch self {
    case .red: Colour(214, 34, 34)
    case .orange: Colour(246, 128, 12)
    case .yellow: Colour(252, 206, 16)
    case .green: Colour(30, 148, 60)
    case .blue: Colour(26, 86, 216)
    case .purple: Colour(116, 42, 178)
    case .pink: Colour(242, 92, 168)
    case .brown: Colour(110, 64, 32)
    case .black: Colour(20, 20, 22)
    case .white: Colour(252, 252, 252)
    case .grey: Colour(128, 130, 134)
    }
  }

  /// As backgrounds are painted: quieter, so that a shape stands out even from a related colour.
  public var backgroundColour: Colour {
    switch self {
    case .red: Colour(228, 92, 84)
    case .orange: Colour(248, 170, 92)
    case .yellow: Colour(252, 228, 120)
    case .green: Colour(122, 196, 114)
    case .blue: Colour(98, 156, 234)
    case .purple: Colour(162, 122, 210)
    case .pink: Colour(248, 182, 208)
    case .brown: Colour(164, 122, 92)
    case .black: Colour(42, 42, 48)
    case .white: Colour(246, 246, 244)
    case .grey: Colour(186, 188, 192)
    }
  }
}
