import Images

/// A sprite at one place and size of a canvas, ready to be laid over its rows from the top.
///
/// Every canvas pixel averages 2×2 bilinear samples of the level that is at least as fine as the samples. Columns and
/// their weights are found once; a source row is spread over the columns once, and mixed with its neighbor for every
/// canvas row that needs it.
public final class SpriteStamp {
  /// Rows of the canvas that the sprite may touch.
  public let rows: Range<Int>

  private let columns: Range<Int>
  private let level: Sprite.Level
  private let tint: SIMD4<Float>?
  private let top: Double
  private let toLevel: Double  // level pixels per canvas pixel

  /// For each column two samples: the source pixel on the left, counted from the padding, and the right one's weight.
  private let samples: [(left: Int32, weight: Float)]
  private let padded: UnsafeMutablePointer<SIMD4<Float>>  // a source row between two transparent pixels on each side
  private let spread: UnsafeMutablePointer<SIMD4<Float>>  // source rows over the samples, in eight slots by number
  private var slots = [Int](repeating: .min, count: 8)  // which source row each slot holds

  /// Places a sprite: center and longer side in pixels of a canvas of the given width and height.
  public init(_ sprite: Sprite, center: (x: Double, y: Double), side: Double, width: Int, height: Int) {
    let largest = sprite.levels[0]
    let scale = side / Double(max(largest.width, largest.height))  // canvas pixels per sprite pixel
    var index = 0
    while index + 1 < sprite.levels.count, scale * Double(1 << (index + 1)) <= 1 { index += 1 }
    let (drawnWidth, drawnHeight) = (Double(largest.width) * scale, Double(largest.height) * scale)
    let (left, top) = (center.x - drawnWidth / 2, center.y - drawnHeight / 2)
    let toLevel = 1 / (scale * Double(1 << index))
    let level = sprite.levels[index]
    (self.level, self.top, self.toLevel, tint) = (level, top, toLevel, sprite.tint)
    func range(_ first: Double, _ length: Double, _ limit: Int) -> Range<Int> {
      let start = max(0, Int(first - 1))
      return start..<max(start, min(limit, Int(first + length) + 2))
    }
    columns = range(left, drawnWidth, width)
    rows = range(top, drawnHeight, height)
    samples = columns.flatMap { x in
      [0.25, 0.75].map { part in
        let u = (Double(x) + part - left) * toLevel - 0.5
        let whole = u.rounded(.down)
        return (Int32(max(-2, min(level.width, Int(whole)))) + 2, Float(u - whole))
      }
    }
    padded = .allocate(capacity: level.width + 4)
    padded.initialize(repeating: .zero, count: level.width + 4)
    spread = .allocate(capacity: max(1, 8 * samples.count))
    spread.initialize(repeating: .zero, count: max(1, 8 * samples.count))
  }

  deinit {
    padded.deallocate()
    spread.deallocate()
  }

  /// Lays the sprite over a row of the canvas.
  public func blend(row y: Int, into pixels: UnsafeMutableBufferPointer<SIMD4<Float>>) {
    let (upper, lower) = (lines(y, 0.25), lines(y, 0.75))
    for (index, x) in columns.enumerated() {
      let (first, second) = (2 * index, 2 * index + 1)
      var color = upper.mixed(first) + upper.mixed(second)
      color += lower.mixed(first)
      color += lower.mixed(second)
      if color.w != 0 { pixels[x].blend(color / 4) }
    }
  }

  /// Two neighboring source rows over the samples, and their weights.
  private struct Lines {
    let above: UnsafeMutablePointer<SIMD4<Float>>
    let below: UnsafeMutablePointer<SIMD4<Float>>
    let weight: Float  // of the lower one
    let rest: Float

    @inline(__always)
    func mixed(_ sample: Int) -> SIMD4<Float> { above[sample] * rest + below[sample] * weight }
  }

  private func lines(_ y: Int, _ part: Double) -> Lines {
    let v = (Double(y) + part - top) * toLevel - 0.5
    let whole = v.rounded(.down)
    let weight = Float(v - whole)
    return Lines(above: line(Int(whole)), below: line(Int(whole) + 1), weight: weight, rest: 1 - weight)
  }

  /// A source row over the samples; transparent beyond the edge.
  private func line(_ y: Int) -> UnsafeMutablePointer<SIMD4<Float>> {
    let slot = y & 7  // a canvas row needs rows closer than eight: levels go down to a few pixels
    let target = spread + slot * samples.count
    if slots[slot] == y { return target }
    slots[slot] = y
    guard y >= 0, y < level.height else {
      target.update(repeating: .zero, count: samples.count)
      return target
    }
    load(y)
    for (index, sample) in samples.enumerated() {
      let source = padded + Int(sample.left)
      target[index] = source[0] * (1 - sample.weight) + source[1] * sample.weight
    }
    return target
  }

  /// Fills the padded row.
  private func load(_ y: Int) {
    let (start, width) = (y * level.width, level.width)
    let target = padded + 2
    switch level.pixels {
    case .bytes(let pixels):
      pixels.withUnsafeBufferPointer { source in
        for x in 0..<width { target[x] = SIMD4<Float>(source[start + x]) }
      }
    case .floats(let pixels):
      pixels.withUnsafeBufferPointer { source in
        for x in 0..<width { target[x] = source[start + x] }
      }
    }
    if let tint { for x in 0..<width { target[x] = tint * target[x].w } }
  }
}

/// An opaque image in float, to draw on before it is rounded to bytes once.
public struct PixelCanvas {
  /// Number of columns in pixels.
  public let width: Int
  /// Number of rows in pixels.
  public let height: Int
  private var pixels: [SIMD4<Float>]

  /// A canvas of one color.
  public init(width: Int, height: Int, color: Color) {
    self.width = width
    self.height = height
    pixels = [SIMD4<Float>](repeating: color.pixel, count: width * height)
  }

  /// Draws a sprite over the canvas: center and longer side in pixels.
  public mutating func draw(_ sprite: Sprite, centerX: Double, centerY: Double, side: Double) {
    let stamp = SpriteStamp(sprite, center: (centerX, centerY), side: side, width: width, height: height)
    let width = width
    pixels.withUnsafeMutableBufferPointer { all in
      for row in stamp.rows {
        stamp.blend(row: row, into: UnsafeMutableBufferPointer(rebasing: all[row * width..<(row + 1) * width]))
      }
    }
  }

  /// The image in bytes, each rounded once.
  public var image: Image {
    Image(width: width, height: height) { row, target in
      for x in 0..<width { target[x] = pixels[row * width + x] }
    }
  }
}
