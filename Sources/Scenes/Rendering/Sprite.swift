import Images

/// A small image with premultiplied alpha that can be drawn at any size and sub-pixel position (see `SpriteStamp`).
///
/// Colors are sRGB bytes as floats, multiplied by alpha: filtering then never mixes in the color of what is
/// transparent, so that edges have no dark fringes. Halved copies (a mip pyramid) keep shrinking smooth.
public struct Sprite: Sendable {
  /// One size of the image.
  struct Level: Sendable {
    /// Whole numbers in bytes where that loses nothing: the largest level takes most of the memory.
    enum Pixels: Sendable {
      case bytes([SIMD4<UInt8>])
      case floats([SIMD4<Float>])
    }

    let width: Int
    let height: Int
    let pixels: Pixels  // premultiplied red, green, blue, alpha: 0…255

    @inline(__always)
    func pixel(_ x: Int, _ y: Int) -> SIMD4<Float> {
      switch pixels {
      case .bytes(let pixels): SIMD4<Float>(pixels[y * width + x])
      case .floats(let pixels): pixels[y * width + x]
      }
    }
  }

  let levels: [Level]
  /// Replaces the colors by one, 0…1, of which the alpha takes its share.
  let tint: SIMD4<Float>?

  /// Width divided by height of what is drawn.
  public var aspect: Double { Double(levels[0].width) / Double(levels[0].height) }

  /// A sprite of premultiplied pixels of whole numbers, cropped to what is not transparent.
  public init(width: Int, height: Int, premultiplied: [SIMD4<Float>]) {
    let part = Part(of: premultiplied, width, height)
    var pixels: [SIMD4<UInt8>] = []
    pixels.reserveCapacity(part.columns.count * part.rows.count)
    for y in part.rows {
      for x in part.columns {
        let p = premultiplied[y * width + x]
        pixels.append(SIMD4(UInt8(p.x), UInt8(p.y), UInt8(p.z), UInt8(p.w)))
      }
    }
    var levels = [Level(width: part.columns.count, height: part.rows.count, pixels: .bytes(pixels))]
    while let last = levels.last, min(last.width, last.height) >= 8 { levels.append(Self.halved(last)) }
    self.levels = levels
    tint = nil
  }

  /// The part of an image that is not transparent.
  struct Part {
    let columns: Range<Int>
    let rows: Range<Int>

    init(of premultiplied: [SIMD4<Float>], _ width: Int, _ height: Int) {
      var (left, right, top, bottom) = (width, 0, height, 0)
      for y in 0..<height {
        for x in 0..<width where premultiplied[y * width + x].w > 8 {
          left = min(left, x)
          right = max(right, x + 1)
          top = min(top, y)
          bottom = max(bottom, y + 1)
        }
      }
      guard left < right else { fatalError("a sprite of \(width)×\(height) pixels is wholly transparent") }
      (columns, rows) = (left..<right, top..<bottom)
    }
  }

  /// The same shape in one color: alpha stays, color is replaced.
  public func tinted(_ color: Color) -> Sprite { Sprite(levels: levels, tint: color.pixel / 255) }

  init(levels: [Level], tint: SIMD4<Float>?) {
    self.levels = levels
    self.tint = tint
  }

  private static func halved(_ level: Level) -> Level {
    let (width, height) = ((level.width + 1) / 2, (level.height + 1) / 2)
    var pixels = [SIMD4<Float>](repeating: .zero, count: width * height)
    for y in 0..<height {
      for x in 0..<width {
        let (left, top) = (2 * x, 2 * y)
        let (hasRight, hasBelow) = (left + 1 < level.width, top + 1 < level.height)
        var sum = level.pixel(left, top)
        if hasRight { sum += level.pixel(left + 1, top) }
        if hasBelow { sum += level.pixel(left, top + 1) }
        if hasRight && hasBelow { sum += level.pixel(left + 1, top + 1) }
        pixels[y * width + x] = sum / 4
      }
    }
    return Level(width: width, height: height, pixels: .floats(pixels))
  }
}
