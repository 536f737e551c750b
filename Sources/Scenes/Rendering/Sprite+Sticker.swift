extension Sprite {
  /// What lies under a sprite to make a sticker of it: a white edge with a thin shadow.
  public struct StickerEdge: Sendable {
    public let sprite: Sprite
    /// The longer side of the sprite that lies on it, as a share of the edge's longer side.
    public let inner: Double
  }

  /// The edge of this sprite, a fifteenth of it wide.
  public func stickerEdge() -> StickerEdge {
    let source = levels[0]
    let longer = max(source.width, source.height)
    let border = max(2, longer / 15)
    let shadow = max(1, longer / 60)
    let pad = border + shadow + 1
    let (width, height) = (source.width + 2 * pad, source.height + 2 * pad)

    // Rows first: how far the nearest pixel of the object is to the left or right; then the best of all rows near.
    let far = 2 * pad
    var across = [Int](repeating: far, count: width * height)
    for y in 0..<source.height {
      let row = (y + pad) * width
      for x in 0..<source.width where source.pixel(x, y).w > 127 { across[row + x + pad] = 0 }
      for x in 1..<width { across[row + x] = min(across[row + x], across[row + x - 1] + 1) }
      for x in (0..<width - 1).reversed() { across[row + x] = min(across[row + x], across[row + x + 1] + 1) }
    }
    var pixels = [SIMD4<Float>](repeating: .zero, count: width * height)
    for y in 0..<height {
      for x in 0..<width {
        var nearest = far * far
        for other in max(0, y - pad)...min(height - 1, y + pad) {
          let (dx, dy) = (across[other * width + x], other - y)
          nearest = min(nearest, dx * dx + dy * dy)
        }
        let distance = Float(nearest).squareRoot()
        let white = max(0, min(1, Float(border) + 0.5 - distance))
        let dark = max(0, min(1, (Float(border + shadow) + 0.5 - distance) / Float(shadow))) * 0.35
        let alpha = white + (1 - white) * dark
        pixels[y * width + x] = (SIMD4(white, white, white, alpha) * 255).rounded(.toNearestOrAwayFromZero)
      }
    }
    let edge = Sprite(width: width, height: height, premultiplied: pixels)
    let outer = edge.levels[0]
    return StickerEdge(sprite: edge, inner: Double(longer) / Double(max(outer.width, outer.height)))
  }
}
