import Foundation

/// The sprites of all objects of a world, loaded once.
public final class GlyphAtlas: Sendable {
  /// The world whose objects have sprites here.
  public let world: World
  /// The rules by which scenes are drawn with these sprites.
  public let version: RenderingVersion
  private let sprites: [SceneObject: Sprite]
  private let edges = StickerEdges()
  private let enlarged = EnlargedSprites()

  /// Loads every emoji of a world and draws every shape.
  public init(world: World = .small, version: RenderingVersion = .latest) throws(GlyphFont.Failure) {
    let font = try GlyphFont.notoColorEmoji()
    var sprites: [SceneObject: Sprite] = [:]
    for entry in world.emoji { sprites[.emoji(entry.names[0])] = try font.sprite(entry.scalar) }
    for shape in world.shapes {
      let mask = shape.sprite(size: version == .v1 ? 256 : 512)
      for color in world.colors { sprites[.shape(shape, color)] = mask.tinted(color.shapeColor) }
    }
    (self.world, self.version) = (world, version)
    self.sprites = sprites
  }

  /// The sprite of an object; traps for one that is not in the vocabulary.
  public func sprite(_ object: SceneObject) -> Sprite {
    guard let sprite = sprites[object] else { fatalError("\(object.label) is not in the vocabulary") }
    return sprite
  }

  /// The sprite of an object that is drawn `side` pixels long, as fine as the version has it.
  func sprite(_ object: SceneObject, side: Double) -> Sprite {
    let sprite = sprite(object)
    guard version != .v1, case .emoji = object else { return sprite }
    return enlarged.sprite(.object(object), sprite, side: side) { sprite.enlarged() }
  }

  /// Width and height of an object as it is drawn, as shares of the canvas.
  public func extent(of placed: Scene.Placed, look: Scene.Look) -> (width: Double, height: Double) {
    // A sticker's box is that of its white edge.
    let aspect = (look == .sticker ? stickerEdge(placed.object).sprite : sprite(placed.object)).aspect
    return (placed.side * min(1, aspect), placed.side / max(1, aspect))
  }

  /// The white edge that makes a sticker of an object.
  func stickerEdge(_ object: SceneObject) -> Sprite.StickerEdge {
    let object = object.outline
    return edges.edge(of: object) { edgeSource(object) }
  }

  /// The same edge, fine enough to be drawn `side` pixels long.
  func stickerEdge(_ object: SceneObject, side: Double) -> Sprite.StickerEdge {
    let edge = stickerEdge(object)
    guard version != .v1 else { return edge }
    let object = object.outline
    let sprite = enlarged.sprite(.edge(object), edge.sprite, side: side) { edgeSource(object).enlargedStickerEdge() }
    return Sprite.StickerEdge(sprite: sprite, inner: edge.inner)
  }

  /// What an edge is made from: for shapes the coarse mask, whose edge is soon found and enlarged.
  private func edgeSource(_ object: SceneObject) -> Sprite {
    switch object {
    case .emoji: sprite(object)
    case .shape(let shape, _): shape.sprite()
    }
  }

  /// All objects of the small world, in a fixed order.
  public static var objects: [SceneObject] { World.small.objects }
}

extension SceneObject {
  /// An object with the same outline: all colors of a shape have one.
  fileprivate var outline: SceneObject {
    switch self {
    case .emoji: self
    case .shape(let shape, _): .shape(shape, .black)
    }
  }
}

/// Sticker edges, made when they are first asked for: few scenes have them.
///
/// Unchecked because the dictionary is only touched under the lock.
private final class StickerEdges: @unchecked Sendable {
  private let lock = NSLock()
  private var edges: [SceneObject: Sprite.StickerEdge] = [:]

  func edge(of object: SceneObject, _ sprite: () -> Sprite) -> Sprite.StickerEdge {
    if let edge = lock.withLock({ edges[object] }) { return edge }
    let edge = sprite().stickerEdge()  // outside the lock: two threads may make the same one, and one is kept
    return lock.withLock {
      edges[object] = edges[object] ?? edge
      return edges[object] ?? edge
    }
  }
}
