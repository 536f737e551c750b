/// An image as facts, in units of the canvas: what is rendered and what captions may state.
public struct Scene: Sendable, Codable, Hashable {
  /// Position of a single object: the nine fields of a 3×3 grid.
  public enum Place: String, Sendable, Codable, CaseIterable {
    /// The middle of the grid, or a field beside, above or below it.
    case center, left, right, top, bottom
    /// A corner of the grid.
    case topLeft, topRight, bottomLeft, bottomRight

    /// Center of the field, 0…1 from the left and from the top.
    public var center: (x: Double, y: Double) {
      let (near, far) = (0.27, 0.73)
      return switch self {
      case .center: (0.5, 0.5)
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

  /// Position of the first object relative to the second.
  public enum Relation: String, Sendable, Codable, CaseIterable {
    /// The first object's position as seen from the second.
    case leftOf, rightOf, above, below
  }

  /// Size of an object in the words of captions; `medium` is the one that captions need not state.
  public enum Size: String, Sendable, Codable, CaseIterable {
    /// A step of the scale, which captions state by one of its words.
    case small, medium, large

    /// Longer side, as a share of the canvas.
    ///
    /// In the small world the smallest covers more than 2×2 cells of an 8×8 latent; smaller objects become blobs in the
    /// latent. The full world's sizes depend on how many objects share the canvas.
    var range: (Double, Double) {
      switch self {
      case .small: (0.30, 0.33)
      case .medium: (0.44, 0.48)
      case .large: (0.65, 0.71)
      }
    }
  }

  /// Arrangement of three different objects, or of several of one kind; nil is a loose group.
  public enum Arrangement: String, Sendable, Codable, CaseIterable {
    /// Side by side, in order from left to right.
    case row
    /// One above the other, in order from top to bottom.
    case column
    /// The first object at the top, then the left and the right one below.
    case triangle
  }

  /// The style of the whole image.
  public enum Look: String, Sendable, Codable, CaseIterable {
    /// A style of drawing; `flat` is the one that captions need not state.
    case flat, sticker, grayscale, sepia, pixelArt, blueprint

    /// Whether colors are recognizable in it.
    public var showsColors: Bool {
      switch self {
      case .flat, .sticker, .pixelArt: true
      case .grayscale, .sepia, .blueprint: false
      }
    }
  }

  /// An object with its position on the canvas.
  public struct Placed: Sendable, Codable, Hashable {
    /// The emoji or shape.
    public var object: SceneObject
    /// The word for its size.
    public var size: Size
    /// Horizontal center, 0…1 from the left edge of the canvas.
    public var x: Double
    /// Vertical center, 0…1 from the top edge of the canvas.
    public var y: Double
    /// Longer side, as a share of the canvas.
    public var side: Double

    /// An object with center and longer side in units of the canvas.
    public init(object: SceneObject, size: Size, x: Double, y: Double, side: Double) {
      self.object = object
      self.size = size
      self.x = x
      self.y = y
      self.side = side
    }
  }

  /// One or two; also up to six of one kind beyond the small world, and three different ones in the full world.
  public var objects: [Placed]
  /// Position of a single object; nil for several.
  public var place: Place?
  /// Position of the first of two different objects relative to the second; nil for other scenes.
  public var relation: Relation?
  /// Arrangement of several objects; nil for a single object, a pair and a loose group.
  public var arrangement: Arrangement?
  /// The color, landscape, gradient or pattern behind the objects.
  public var background: Background
  /// Height of a landscape's horizon, 0…1 from the top; a mere sky and other backgrounds ignore it.
  public var horizon: Double
  /// The style of drawing.
  public var look: Look

  /// A scene of given facts, which are not checked for consistency.
  public init(
    objects: [Placed], place: Place?, relation: Relation?, arrangement: Arrangement? = nil, background: Background,
    horizon: Double, look: Look = .flat
  ) {
    self.objects = objects
    self.place = place
    self.relation = relation
    self.arrangement = arrangement
    self.background = background
    self.horizon = horizon
    self.look = look
  }

  /// Whether the scene has several objects of one kind.
  public var isGroup: Bool { objects.count > 1 && objects.allSatisfy { $0.object == objects[0].object } }
}
