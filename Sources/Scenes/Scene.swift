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
    /// Of the small world, where the smallest covers more than 2×2 cells of an 8×8 latent: what is smaller becomes a
    /// blob, and teaches little. The full world's sizes depend on how many objects share the canvas.
    var range: (Double, Double) {
      switch self {
      case .small: (0.30, 0.33)
      case .medium: (0.44, 0.48)
      case .large: (0.65, 0.71)
      }
    }
  }

  /// How three different objects, or several of one kind, stand together; none is a loose group.
  public enum Arrangement: String, Sendable, Codable, CaseIterable {
    case row  // from left to right
    case column  // from top to bottom
    case triangle  // the top one, then the left and the right one below
  }

  /// The style in which the whole picture is drawn.
  public enum Look: String, Sendable, Codable, CaseIterable {
    case flat, sticker, greyscale, sepia, pixelArt, blueprint

    /// Whether colours can be told in it.
    public var showsColours: Bool {
      switch self {
      case .flat, .sticker, .pixelArt: true
      case .greyscale, .sepia, .blueprint: false
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

  /// Whether the scene holds several objects of one kind, to be counted.
  public var isGroup: Bool { objects.count > 1 && objects.allSatisfy { $0.object == objects[0].object } }
}
