/// A small picture with premultiplied alpha that can be drawn at any size and sub-pixel position.
///
/// Colours are sRGB bytes as floats, multiplied by alpha: filtering then never mixes in the colour of what is
/// transparent, so that edges have no dark fringes. Halved copies (a mip pyramid) keep shrinking smooth.
public struct Sprite: Sendable {
  struct Level: Sendable {
    let width: Int
    let height: Int
    let pixels: [SIMD4<Float>]  // premultiplied red, green, blue, alpha: 0…255
  }

  let levels: [Level]

  /// Width divided by height of what is drawn.
  public var aspect: Double { Double(levels[0].width) / Double(levels[0].height) }

  /// A sprite of premultiplied pixels, cropped to what is not transparent.
  public init(width: Int, height: Int, premultiplied: [SIMD4<Float>]) {
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
    var pixels: [SIMD4<Float>] = []
    for y in top..<bottom { pixels += premultiplied[y * width + left..<y * width + right] }
    var levels = [Level(width: right - left, height: bottom - top, pixels: pixels)]
    while let last = levels.last, min(last.width, last.height) >= 8 { levels.append(Self.halved(last)) }
    self.levels = levels
  }

  /// The same shape in one colour: alpha stays, colour is replaced.
  public func tinted(_ colour: Colour) -> Sprite {
    let rgb = SIMD4<Float>(Float(colour.red), Float(colour.green), Float(colour.blue), 255) / 255
    return Sprite(
      levels: levels.map { level in
        Level(width: level.width, height: level.height, pixels: level.pixels.map { rgb * $0.w })
      })
  }

  private init(levels: [Level]) { self.levels = levels }

  private static func halved(_ level: Level) -> Level {
    let (width, height) = ((level.width + 1) / 2, (level.height + 1) / 2)
    var pixels = [SIMD4<Float>](repeating: .zero, count: width * height)
    for y in 0..<height {
      for x in 0..<width {
        var sum = SIMD4<Float>.zero
        for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)]
        where 2 * x + dx < level.width && 2 * y + dy < level.height {
          sum += level.pixels[(2 * y + dy) * level.width + 2 * x + dx]
        }
        pixels[y * width + x] = sum / 4
      }
    }
    return Level(width: width, height: height, pixels: pixels)
  }

  /// Draws over an RGB canvas of floats (0…255): centre and longer side in pixels of the canvas.
  ///
  /// Every canvas pixel averages 2×2 bilinear samples of the level that is at least as fine as the samples.
  public func draw(on canvas: inout PixelCanvas, centreX: Double, centreY: Double, side: Double) {
    let scale = side / Double(max(levels[0].width, levels[0].height))  // canvas pixels per sprite pixel
    var index = 0
    while index + 1 < levels.count, scale * Double(1 << (index + 1)) <= 1 { index += 1 }
    let level = levels[index]
    let toLevel = 1 / (scale * Double(1 << index))  // level pixels per canvas pixel
    let drawnWidth = Double(levels[0].width) * scale
    let drawnHeight = Double(levels[0].height) * scale
    let (left, top) = (centreX - drawnWidth / 2, centreY - drawnHeight / 2)
    let columns = max(0, Int(left - 1))..<max(0, min(canvas.width, Int(left + drawnWidth) + 2))
    let rows = max(0, Int(top - 1))..<max(0, min(canvas.height, Int(top + drawnHeight) + 2))
    guard !columns.isEmpty, !rows.isEmpty else { return }
    level.pixels.withUnsafeBufferPointer { source in
      for y in rows {
        for x in columns {
          var colour = SIMD4<Float>.zero
          for sub in 0..<4 {
            let u = (Double(x) + (sub & 1 == 0 ? 0.25 : 0.75) - left) * toLevel - 0.5
            let v = (Double(y) + (sub & 2 == 0 ? 0.25 : 0.75) - top) * toLevel - 0.5
            colour += Self.sample(source, level.width, level.height, u, v)
          }
          canvas.blend(colour / 4, x, y)
        }
      }
    }
  }

  /// Bilinear; transparent beyond the edge.
  @inline(__always)
  private static func sample(
    _ source: UnsafeBufferPointer<SIMD4<Float>>, _ width: Int, _ height: Int, _ u: Double, _ v: Double
  ) -> SIMD4<Float> {
    let (fu, fv) = (u.rounded(.down), v.rounded(.down))
    let (x, y) = (Int(fu), Int(fv))
    if x < -1 || y < -1 || x >= width || y >= height { return .zero }
    let (a, b) = (Float(u - fu), Float(v - fv))
    @inline(__always) func at(_ x: Int, _ y: Int) -> SIMD4<Float> {
      x >= 0 && y >= 0 && x < width && y < height ? source[y * width + x] : .zero
    }
    let top = at(x, y) * (1 - a) + at(x + 1, y) * a
    let bottom = at(x, y + 1) * (1 - a) + at(x + 1, y + 1) * a
    return top * (1 - b) + bottom * b
  }
}
