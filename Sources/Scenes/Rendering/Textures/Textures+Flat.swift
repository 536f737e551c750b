import Support

/// Two to five colors along a line or around a point.
final class GradientTexture: TexturePainter {
  private let ramp: ColorRamp
  private let isRound: Bool
  private let size: Int
  private let direction: (x: Double, y: Double)
  private let center: (x: Double, y: Double)
  private let reach: Double

  init(_ random: inout SplitMix64, _ size: Int) {
    self.size = size
    let colors = (0..<2 + random.below(4)).map { _ in random.color() }
    ramp = ColorRamp(random.stops(colors), smooth: random.chance(0.5))
    isRound = random.chance(0.4)
    direction = random.direction()
    center = (random.real(-0.2, 1.2), random.real(-0.2, 1.2))
    reach = random.real(0.6, 1.3)
  }

  func paint(_ row: Int, _ pixels: UnsafeMutableBufferPointer<SIMD4<Float>>) {
    let pixel = 1 / Float(size)
    let y = (Float(row) + 0.5) * pixel
    if isRound {
      let (left, dy, scale) = (Float(center.x), y - Float(center.y), 1 / Float(reach))
      for column in 0..<size {
        let dx = (Float(column) + 0.5) * pixel - left
        pixels[column] = ramp[(dx * dx + dy * dy).squareRoot() * scale]
      }
    } else {
      // A line's way from corner to corner is this long.
      let length = Float(abs(direction.x) + abs(direction.y))
      let step = Float(direction.x) * pixel / length
      let start = ((y - 0.5) * Float(direction.y) - 0.5 * Float(direction.x)) / length + 0.5
      for column in 0..<size { pixels[column] = ramp[start + (Float(column) + 0.5) * step] }
    }
  }
}

/// Parallel bands of two to six colors at any angle, sharp or soft.
final class StripesTexture: TexturePainter {
  private let ramp: ColorRamp
  private let size: Int
  private let across: (x: Double, y: Double)
  private let shift: Double

  init(_ random: inout SplitMix64, _ size: Int) {
    self.size = size
    let colors = (0..<2 + random.below(5)).map { _ in random.color() }
    var bands = random.stops(colors + [colors[0]])
    bands.removeLast()
    let (x, y) = random.chance(0.3) ? (random.chance(0.5) ? (1.0, 0.0) : (0.0, 1.0)) : random.direction()
    let repeats = random.real(0.8, 24 / Double(colors.count))
    across = (x * repeats, y * repeats)
    shift = random.unit()
    let soft = random.chance(0.25) ? random.real(0.05, 0.3) / Double(colors.count) : 0
    // An edge is a pixel wide.
    ramp = ColorRamp(bands: bands, blend: max(soft, repeats / Double(size)))
  }

  func paint(_ row: Int, _ pixels: UnsafeMutableBufferPointer<SIMD4<Float>>) {
    let start = Float((Double(row) + 0.5) / Double(size) * across.y + shift)
    let step = Float(across.x / Double(size))
    for column in 0..<size { pixels[column] = ramp[(start + (Float(column) + 0.5) * step).fraction] }
  }
}

/// Squares or lozenges of two colors at any angle, each of them even or shaded.
final class ChecksTexture: TexturePainter {
  private let colors: (SIMD4<Float>, SIMD4<Float>)
  private let size: Int
  private let axes: (u: (x: Double, y: Double), v: (x: Double, y: Double))
  private let shift: (u: Double, v: Double)
  private let edge: (u: Float, v: Float)  // pixels in a cell
  private let shade: FractalNoise
  private let depth: Float
  private let heights: TextureBuffer<Float>

  init(_ random: inout SplitMix64, _ size: Int) {
    self.size = size
    heights = TextureBuffer(size)
    colors = (random.color(), random.color())
    let u = random.chance(0.3) ? (x: 1.0, y: 0.0) : random.direction()
    let isSquare = random.chance(0.7)
    let lean = isSquare ? 0 : random.real(-0.6, 0.6)
    let cells = random.real(2, 20)
    let ratio = isSquare ? 1 : random.real(0.5, 2)
    axes = ((u.x * cells, u.y * cells), ((lean * u.x - u.y) * cells * ratio, (lean * u.y + u.x) * cells * ratio))
    shift = (random.unit(), random.unit())
    func pixels(_ axis: (x: Double, y: Double)) -> Float {
      Float(Double(size) / (axis.x * axis.x + axis.y * axis.y).squareRoot())
    }
    edge = (pixels(axes.u), pixels(axes.v))
    let fine = random.real(2, 12)
    shade = FractalNoise(&random, size: size, cells: (fine, fine), octaves: 3)
    depth = random.chance(0.5) ? 0 : Float(random.real(0.2, 0.8))
  }

  func paint(_ row: Int, _ pixels: UnsafeMutableBufferPointer<SIMD4<Float>>) {
    if depth > 0 { shade.fill(row, heights.start) }
    let y = (Double(row) + 0.5) / Double(size)
    let (u, v) = (Float(y * axes.u.y + shift.u), Float(y * axes.v.y + shift.v))
    let step = (u: Float(axes.u.x / Double(size)), v: Float(axes.v.x / Double(size)))
    for column in 0..<size {
      let x = Float(column) + 0.5
      let (a, b) = (Self.wave(u + x * step.u, edge.u), Self.wave(v + x * step.v, edge.v))
      var color = colors.0 + (colors.1 - colors.0) * (a + b - 2 * a * b)
      if depth > 0 { color *= 1 + depth * (heights.start[column] - 0.5) }
      pixels[column] = color
    }
  }

  /// 0 and 1 in turns along every second cell, with edges a pixel wide; a cell has `pixels`.
  @inline(__always)
  private static func wave(_ place: Float, _ pixels: Float) -> Float {
    let phase = 2 * (place / 2).fraction  // 0…1 one, 1…2 zero
    let inside = phase < 1.5 ? min(phase, 1 - phase) : phase - 2
    return max(0, min(1, inside * pixels + 0.5))
  }
}
