/// An image as facts, in units of the canvas: what is rendered and what captions may state.
public struct Scene: Sendable, Codable, Hashable {
  /// Position of a single object: the nine fields of a 3×3 grid.
  public enum Place: String, Sendable, Codable, CaseIterable {
    case center, left, right, top, bottom
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
    case leftOf, rightOf, above, below
  }

  public enum Size: String, Sendable, Codable, CaseIterable {
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
    case row  // from left to right
    case column  // from top to bottom
    case triangle  // the top one, then the left and the right one below
  }

  /// The style of the whole image.
  public enum Look: String, Sendable, Codable, CaseIterable {
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
    public var object: SceneObject
    public var size: Size
    public var x: Double  // center, 0…1 from the left
    public var y: Double  // center, 0…1 from the top
    public var side: Double  // longer side, as a share of the canvas

    public init(object: SceneObject, size: Size, x: Double, y: Double, side: Double) {
      self.object = object
      self.size = size
      self.x = x
      self.y = y
      self.side = side
    }
  }

  public var objects: [Placed]  // one or two; in the full world up to three, or six of one kind
  public var place: Place?  // of a single object
  public var relation: Relation?  // of the first of two objects to the second
  public var arrangement: Arrangement?
  public var background: Background
  public var horizon: Double  // of a landscape, 0…1 from the top
  public var look: Look

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
