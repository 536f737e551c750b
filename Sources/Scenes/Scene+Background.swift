import Images

extension Scene {
  /// What is behind the objects.
  public enum Background: Sendable, Codable, Hashable {
    case plain(ColourName)
    case landscape(Landscape)
    case gradient(top: ColourName, bottom: ColourName)
    case pattern(Pattern, ground: ColourName, figure: ColourName)

    /// The words that stand for it and no other.
    public var label: String {
      switch self {
      case .plain(let colour): colour.rawValue
      case .landscape(let landscape): landscape.rawValue
      case .gradient(let top, let bottom): "gradient from \(top.rawValue) to \(bottom.rawValue)"
      case .pattern(let pattern, let ground, let figure):
        "\(figure.rawValue) \(pattern.rawValue) on \(ground.rawValue)"
      }
    }

    /// The word for its kind, without the colours of gradients and patterns.
    public var kind: String {
      switch self {
      case .plain, .landscape: label
      case .gradient: "gradient"
      case .pattern(let pattern, _, _): pattern.rawValue
      }
    }

    /// The colours that it is named by.
    var colours: [ColourName] {
      switch self {
      case .plain(let colour): [colour]
      case .landscape: []
      case .gradient(let top, let bottom): [top, bottom]
      case .pattern(_, let ground, let figure): [ground, figure]
      }
    }
  }

  /// A figure that repeats over a ground of another colour.
  public enum Pattern: String, Sendable, Codable, CaseIterable {
    case stripes, dots, checks
  }

  /// A sky above a ground.
  public enum Landscape: String, Sendable, Codable, CaseIterable {
    case grass, beach, night, snow, sea
    case sky, desert, street, room  // in the full world alone

    /// The picture's upper and lower edge.
    public var edgeColours: (top: Colour, bottom: Colour) { (colours.top, colours.ground) }

    /// Top of the sky, foot of the sky, ground.
    var colours: (top: Colour, horizon: Colour, ground: Colour) {
      switch self {
      case .grass: (Colour(86, 164, 240), Colour(196, 228, 250), Colour(104, 178, 78))
      case .beach: (Colour(70, 176, 236), Colour(206, 238, 248), Colour(238, 214, 160))
      case .night: (Colour(12, 16, 48), Colour(44, 52, 104), Colour(26, 40, 44))
      case .snow: (Colour(168, 190, 214), Colour(222, 232, 240), Colour(248, 250, 252))
      case .sea: (Colour(120, 190, 244), Colour(228, 240, 248), Colour(24, 98, 168))
      case .sky: (Colour(64, 146, 232), Colour(186, 222, 250), Colour(186, 222, 250))
      case .desert: (Colour(92, 178, 226), Colour(252, 226, 176), Colour(228, 176, 104))
      case .street: (Colour(158, 200, 232), Colour(226, 234, 240), Colour(88, 90, 98))
      case .room: (Colour(226, 214, 190), Colour(242, 232, 212), Colour(168, 118, 76))
      }
    }
  }
}
