extension Sprite {
  /// What lies under a sprite to make a sticker of it: a white edge with a thin shadow.
  public struct StickerEdge: Sendable {
    /// The edge itself, drawn before the object and with the same center.
    public let sprite: Sprite
    /// The longer side of the sprite that lies on it, as a share of the edge's longer side.
    public let inner: Double

    /// An edge that an object of `inner` times its longer side lies on.
    public init(sprite: Sprite, inner: Double) {
      (self.sprite, self.inner) = (sprite, inner)
    }
  }

  /// The edge of this sprite, a fifteenth of it wide.
  public func stickerEdge() -> StickerEdge {
    let outline = StickerOutline(levels[0])
    let edge = Sprite(width: outline.width, height: outline.height, premultiplied: outline.pixels)
    let outer = edge.levels[0]
    return StickerEdge(
      sprite: edge, inner: Double(max(levels[0].width, levels[0].height)) / Double(max(outer.width, outer.height)))
  }

  /// The edge of this sprite with two finer levels, twice and four times as wide as the sprite's.
  public func enlargedStickerEdge() -> Enlarged {
    let outline = StickerOutline(levels[0])
    let pixels = outline.pixels
    let part = Part(of: pixels, outline.width, outline.height)
    return Enlarged(
      outline.fourfold(part), over: Sprite(width: outline.width, height: outline.height, premultiplied: pixels))
  }
}

/// How far every pixel in and around a sprite is from what is opaque in it.
private struct StickerOutline {
  let width: Int
  let height: Int
  private let border: Int
  private let shadow: Int
  private let distances: [Float]

  init(_ source: Sprite.Level) {
    let longer = max(source.width, source.height)
    border = max(2, longer / 15)
    shadow = max(1, longer / 60)
    let pad = border + shadow + 1
    let (width, height) = (source.width + 2 * pad, source.height + 2 * pad)
    (self.width, self.height) = (width, height)

    // Rows first: how far the nearest pixel of the object is to the left or right; then the best of all rows near.
    let far = 2 * pad
    var across = [Int](repeating: far, count: width * height)
    for y in 0..<source.height {
      let row = (y + pad) * width
      for x in 0..<source.width where source.pixel(x, y).w > 127 { across[row + x + pad] = 0 }
      for x in 1..<width { across[row + x] = min(across[row + x], across[row + x - 1] + 1) }
      for x in (0..<width - 1).reversed() { across[row + x] = min(across[row + x], across[row + x + 1] + 1) }
    }
    var distances: [Float] = []
    distances.reserveCapacity(width * height)
    for y in 0..<height {
      for x in 0..<width {
        var nearest = far * far
        for other in max(0, y - pad)...min(height - 1, y + pad) {
          let (dx, dy) = (across[other * width + x], other - y)
          nearest = min(nearest, dx * dx + dy * dy)
        }
        distances.append(Float(nearest).squareRoot())
      }
    }
    self.distances = distances
  }

  /// White near the object and a shadow beyond, premultiplied whole numbers.
  var pixels: [SIMD4<Float>] {
    distances.map { (color($0, each: 1) * 255).rounded(.toNearestOrAwayFromZero) }
  }

  /// A part of the same with 4×4 pixels for each.
  ///
  /// Distances are interpolated, not colors: the white edge ends within a pixel here, too.
  func fourfold(_ part: Sprite.Part) -> Sprite.Level {
    let (columns, rows) = (part.columns.flatMap { place($0, width) }, part.rows.flatMap { place($0, height) })
    var bytes: [SIMD4<UInt8>] = []
    bytes.reserveCapacity(columns.count * rows.count)
    let (inside, outside) = (Float(border) - 1, Float(border + shadow) + 1)
    for row in rows {
      for column in columns {
        let above = row.first * width + column.first
        let below = above + width
        let (a, b, c, d) = (distances[above], distances[above + 1], distances[below], distances[below + 1])
        if max(max(a, b), max(c, d)) < inside {
          bytes.append(SIMD4(repeating: 255))
        } else if min(min(a, b), min(c, d)) > outside {
          bytes.append(.zero)
        } else {
          let (upper, lower) = (a + (b - a) * column.weight, c + (d - c) * column.weight)
          let color = color(upper + (lower - upper) * row.weight, each: 4) * 255 + 0.5
          bytes.append(SIMD4(UInt8(color.x), UInt8(color.y), UInt8(color.z), UInt8(color.w)))
        }
      }
    }
    return Sprite.Level(width: columns.count, height: rows.count, pixels: .bytes(bytes))
  }

  /// The color at a distance, 0…1, where a pixel of the sprite is `each` pixels wide.
  private func color(_ distance: Float, each: Float) -> SIMD4<Float> {
    let white = max(0, min(1, Float(border) * each + 0.5 - distance * each))
    let dark = max(0, min(1, (Float(border + shadow) + 0.5 - distance) / Float(shadow))) * 0.35
    return SIMD4(white, white, white, white + (1 - white) * dark)
  }

  /// Where four pixels in the place of one lie: between which old ones, and how near to the second.
  private func place(_ pixel: Int, _ limit: Int) -> [(first: Int, weight: Float)] {
    (0..<4).map { part in
      let exact = max(0, min(Float(limit - 1), Float(pixel) + (Float(part) + 0.5) / 4 - 0.5))
      let first = min(Int(exact), limit - 2)
      return (first, exact - Float(first))
    }
  }
}
