import Raster

/// A picture as facts, in units of the canvas: what is drawn, and what captions may claim.
public struct Scene: Sendable, Codable, Hashable {
  /// Where a single object stands: the nine fields of a 3×3 grid.
  public enum Place: String, Sendable, Codable, CaseIterable {
    case centre, left, right, top, bottom
    case topLeft, topRight, bottomLeft, bottomRight

    /// Centre of the field, 0…1 from the left and from the top.
    public var centre: (x: Double, y: Double) {
      let (near, far) = (0.27, 0.73)
      return switch self {
      case .centre: (0.5, 0.5)
      case .left: (near, 0.5)
      case .right: (far, 0.5)
      case .top: (0.5, near)
      case .bottom: (0.5, far)
      case .topLeft: (near, near)
      case .topRight: (far, near)
      case .bottomLeft: (near, far)
      case .bottomRight: (far, far)
      }
    }
  }

  /// How the first object stands to the second.
  public enum Relation: String, Sendable, Codable, CaseIterable {
    case leftOf, rightOf, above, below
  }

  public enum Size: String, Sendable, Codable, CaseIterable {
    case small, medium, large

    /// Longer side, as a share of the canvas.
    ///
    /// The smallest covers more than 2×2 cells of an 8×8 latent: what is smaller becomes a blob, and teaches little.
    var range: (Double, Double) {
      switch self {
      case .small: (0.30, 0.33)
      case .medium: (0.44, 0.48)
      case .large: (0.65, 0.71)
      }
    }
  }

  public enum Background: Sendable, Codable, Hashable {
    case plain(ColourName)
    case landscape(Landscape)

    /// The word that stands for it.
    public var label: String {
      switch self {
      case .plain(let colour): colour.rawValue
      case .landscape(let landscape): landscape.rawValue
      }
    }
  }

  /// A sky above a ground.
  public enum Landscape: String, Sendable, Codable, CaseIterable {
    case grass, beach, night, snow, sea

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
      }
    }
  }

  /// An object with its place on the canvas.
  public struct Placed: Sendable, Codable, Hashable {
    public var object: SceneObject
    public var size: Size
    public var x: Double  // centre, 0…1 from the left
    public var y: Double  // centre, 0…1 from the top
    public var side: Double  // longer side, as a share of the canvas

    public init(object: SceneObject, size: Size, x: Double, y: Double, side: Double) {
      self.object = object
      self.size = size
      self.x = x
      self.y = y
      self.side = side
    }
  }

  public var objects: [Placed]  // one or two
  public var place: Place?  // of a single object
  public var relation: Relation?  // of the first of two objects to the second
  public var background: Background
  public var horizon: Double  // of a landscape, 0…1 from the top

  public init(objects: [Placed], place: Place?, relation: Relation?, background: Background, horizon: Double) {
    self.objects = objects
    self.place = place
    self.relation = relation
    self.background = background
    self.horizon = horizon
  }

  /// Draws the scene `size` pixels wide and high: the same layout at every size.
  public func render(size: Int, atlas: GlyphAtlas) -> Image {
    var canvas = SceneBackground.paint(background, horizon: horizon, size: size)
    for placed in objects {
      atlas.sprite(placed.object).draw(
        on: &canvas, centreX: placed.x * Double(size), centreY: placed.y * Double(size),
        side: placed.side * Double(size))
    }
    return canvas.image
  }
}

/// Paints what is behind the objects.
enum SceneBackground {
  static func paint(_ background: Scene.Background, horizon: Double, size: Int) -> PixelCanvas {
    switch background {
    case .plain(let colour): return PixelCanvas(width: size, height: size, colour: colour.backgroundColour)
    case .landscape(let landscape):
      let (top, foot, ground) = landscape.colours
      var canvas = PixelCanvas(width: size, height: size, colour: ground)
      for row in 0..<size {
        let y = (Double(row) + 0.5) / Double(size)
        let sky = top.mixed(with: foot, min(1, y / horizon))
        let covered = max(0, min(1, (horizon - y) * Double(size) + 0.5))  // antialiased horizon
        if covered > 0 { canvas.fill(row: row, ground.mixed(with: sky, covered)) }
      }
      if landscape == .night { stars(&canvas, size) }
      return canvas
    }
  }

  /// Twelve stars at fixed places, soft dots a hundredth of the canvas wide.
  private static func stars(_ canvas: inout PixelCanvas, _ size: Int) {
    var random = SceneRandom(seed: 12, index: 12)
    for _ in 0..<12 {
      let (x, y) = (random.real(0.03, 0.97) * Double(size), random.real(0.03, 0.5) * Double(size))
      let radius = max(0.6, 0.006 * Double(size))
      for row in max(0, Int(y - radius - 1))...min(size - 1, Int(y + radius + 1)) {
        for column in max(0, Int(x - radius - 1))...min(size - 1, Int(x + radius + 1)) {
          let (dx, dy) = (Double(column) + 0.5 - x, Double(row) + 0.5 - y)
          let cover = max(0, min(1, radius - (dx * dx + dy * dy).squareRoot() + 0.5))
          if cover > 0 { canvas.blend(SIMD4(250, 246, 214, 255) * Float(cover), column, row) }
        }
      }
    }
  }
}

/// The sprites of all objects, loaded once.
public final class GlyphAtlas: Sendable {
  private let sprites: [SceneObject: Sprite]

  /// Loads every emoji of the vocabulary and draws every shape.
  public init() throws(GlyphFont.Failure) {
    let font = try GlyphFont.notoColorEmoji()
    var sprites: [SceneObject: Sprite] = [:]
    for entry in Vocabulary.emoji { sprites[.emoji(entry.names[0])] = try font.sprite(entry.scalar) }
    for shape in VectorShape.allCases {
      let mask = shape.sprite()
      for colour in ColourName.allCases { sprites[.shape(shape, colour)] = mask.tinted(colour.shapeColour) }
    }
    self.sprites = sprites
  }

  /// The sprite of an object; traps for one that is not in the vocabulary.
  public func sprite(_ object: SceneObject) -> Sprite {
    guard let sprite = sprites[object] else { fatalError("\(object.label) is not in the vocabulary") }
    return sprite
  }

  /// All objects, in a fixed order.
  public static let objects: [SceneObject] =
    Vocabulary.emoji.map { .emoji($0.names[0]) }
    + VectorShape.allCases.flatMap { shape in ColourName.allCases.map { SceneObject.shape(shape, $0) } }
}
