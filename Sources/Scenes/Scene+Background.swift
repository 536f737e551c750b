import Images

extension Scene {
  /// What fills the canvas behind the objects.
  public enum Background: Sendable, Codable, Hashable {
    /// One color.
    case plain(ColorName)
    /// A sky above a ground, in fixed colors.
    case landscape(Landscape)
    /// A vertical transition from the color at the top to the one at the bottom.
    case gradient(top: ColorName, bottom: ColorName)
    /// Figures of one color repeated on a ground of another.
    case pattern(Pattern, ground: ColorName, figure: ColorName)

    /// Identifies the background.
    public var label: String {
      switch self {
      case .plain(let color): color.rawValue
      case .landscape(let landscape): landscape.rawValue
      case .gradient(let top, let bottom): "gradient from \(top.rawValue) to \(bottom.rawValue)"
      case .pattern(let pattern, let ground, let figure):
        "\(figure.rawValue) \(pattern.rawValue) on \(ground.rawValue)"
      }
    }

    /// The word for its kind, without the colors of gradients and patterns.
    public var kind: String {
      switch self {
      case .plain, .landscape: label
      case .gradient: "gradient"
      case .pattern(let pattern, _, _): pattern.rawValue
      }
    }

    /// The colors in its name.
    var colors: [ColorName] {
      switch self {
      case .plain(let color): [color]
      case .landscape: []
      case .gradient(let top, let bottom): [top, bottom]
      case .pattern(_, let ground, let figure): [ground, figure]
      }
    }
  }

  /// A repeated pattern on another color.
  public enum Pattern: String, Sendable, Codable, CaseIterable {
    /// A regular pattern, named as `Background.kind` names it.
    case stripes, dots, checks
  }

  /// A sky above a ground.
  public enum Landscape: String, Sendable, Codable, CaseIterable {
    /// A landscape of every world.
    case grass, beach, night, snow, sea
    /// A landscape of the medium and the full world.
    case sky, desert, street, room

    /// The image's upper and lower edge.
    public var edgeColors: (top: Color, bottom: Color) { (colors.top, colors.ground) }

    /// Top of the sky, foot of the sky, ground.
    var colors: (top: Color, horizon: Color, ground: Color) {
      switch self {
      case .grass: (Color(86, 164, 240), Color(196, 228, 250), Color(104, 178, 78))
      case .beach: (Color(70, 176, 236), Color(206, 238, 248), Color(238, 214, 160))
      case .night: (Color(12, 16, 48), Color(44, 52, 104), Color(26, 40, 44))
      case .snow: (Color(168, 190, 214), Color(222, 232, 240), Color(248, 250, 252))
      case .sea: (Color(120, 190, 244), Color(228, 240, 248), Color(24, 98, 168))
      case .sky: (Color(64, 146, 232), Color(186, 222, 250), Color(186, 222, 250))
      case .desert: (Color(92, 178, 226), Color(252, 226, 176), Color(228, 176, 104))
      case .street: (Color(158, 200, 232), Color(226, 234, 240), Color(88, 90, 98))
      case .room: (Color(226, 214, 190), Color(242, 232, 212), Color(168, 118, 76))
      }
    }
  }
}
