import Foundation

/// Sprites that are finer than their bitmaps, made when a scene first needs them: each takes milliseconds and, four
/// times as wide, a megabyte, which is too much for all emoji of the full world at once.
///
/// Scenes mostly need the twofold ones, of which all stay in memory (a quarter of a megabyte each); the fourfold ones
/// are for single large objects, and the oldest make room. Unchecked because everything is only touched under the lock.
final class EnlargedSprites: @unchecked Sendable {
  /// What a sprite is: an object, or the edge that makes a sticker of it.
  enum Key: Hashable {
    case object(SceneObject)
    case edge(SceneObject)
  }

  private let lock = NSLock()
  private var twofold: Shelf
  private var fourfold: Shelf

  /// Limits in bytes of pixels.
  init(twofold: Int = 320 << 20, fourfold: Int = 160 << 20) {
    (self.twofold, self.fourfold) = (Shelf(limit: twofold), Shelf(limit: fourfold))
  }

  /// A sprite that is fine enough to be drawn `side` pixels long; `original` where it is by itself.
  func sprite(_ key: Key, _ original: Sprite, side: Double, enlarge: () -> Sprite.Enlarged) -> Sprite {
    let scale = side / Double(original.longerSide)
    if scale <= 1 { return original }
    let isLarge = scale > 2
    if let sprite = lock.withLock({ (isLarge ? fourfold : twofold).sprites[key] }) { return sprite }
    // Outside the lock: two threads may make the same one, and others need not wait.
    let made = enlarge()
    lock.withLock {
      twofold.put(key, made.twofold)
      if isLarge { fourfold.put(key, made.fourfold) }
    }
    return isLarge ? made.fourfold : made.twofold
  }

  /// Sprites up to a number of bytes, the oldest of which go first.
  private struct Shelf {
    private(set) var sprites: [Key: Sprite] = [:]
    private var order: [Key] = []
    private var bytes = 0
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    mutating func put(_ key: Key, _ sprite: Sprite) {
      guard sprites.updateValue(sprite, forKey: key) == nil else { return }
      order.append(key)
      bytes += sprite.finestBytes
      while bytes > limit, order.count > 1 {
        bytes -= sprites.removeValue(forKey: order.removeFirst())?.finestBytes ?? 0
      }
    }
  }
}
