import Images
import Support

/// A part of a landscape: stars, clouds, a dune, houses, floor boards.
///
/// They lie where they always lie: what no caption can ask for, a model should not have to guess.
struct SceneDecoration {
  private enum Form {
    case disc(x: Double, y: Double, radius: Double)
    case box(left: Double, top: Double, right: Double, bottom: Double)
  }

  private let form: Form  // in pixels
  private let color: SIMD4<Float>
  private let columns: Range<Int>
  let rows: Range<Int>

  /// The decorations of a landscape on a canvas of `size` pixels.
  static func of(_ landscape: Scene.Landscape, horizon: Double, size: Int) -> [SceneDecoration] {
    switch landscape {
    case .grass, .beach, .snow, .sea: []
    case .night: stars(size)
    case .sky: clouds(size)
    case .desert: [disc(0.82, horizon + 0.93, 0.97, Color(240, 194, 122), size)]
    case .street: street(horizon, size)
    case .room: room(horizon, size)
    }
  }

  /// Lays the decoration over a row.
  func paint(row: Int, into pixels: UnsafeMutableBufferPointer<SIMD4<Float>>) {
    for column in columns {
      let cover =
        switch form {
        case .disc(let x, let y, let radius):
          max(0, min(1, radius - Self.distance(Double(column) + 0.5 - x, Double(row) + 0.5 - y) + 0.5))
        case .box(let left, let top, let right, let bottom):
          max(0, min(right, Double(column + 1)) - max(left, Double(column)))
            * max(0, min(bottom, Double(row + 1)) - max(top, Double(row)))
        }
      if cover > 0 { pixels[column].blend(color * Float(cover)) }
    }
  }

  private static func distance(_ dx: Double, _ dy: Double) -> Double { (dx * dx + dy * dy).squareRoot() }

  private init(_ form: Form, _ color: SIMD4<Float>, reach: (x: Double, y: Double, dx: Double, dy: Double), _ size: Int)
  {
    func range(_ center: Double, _ reach: Double) -> Range<Int> {
      let first = max(0, Int(center - reach - 1))
      return first..<max(first, min(size - 1, Int(center + reach + 1)) + 1)
    }
    self.form = form
    self.color = color
    columns = range(reach.x, reach.dx)
    rows = range(reach.y, reach.dy)
  }

  /// A disc; lengths are shares of the canvas.
  private static func disc(_ x: Double, _ y: Double, _ radius: Double, _ color: Color, _ size: Int) -> SceneDecoration {
    disc(pixels: x * Double(size), y * Double(size), radius * Double(size), color.pixel, size)
  }

  private static func disc(
    pixels x: Double, _ y: Double, _ radius: Double, _ color: SIMD4<Float>, _ size: Int
  ) -> SceneDecoration {
    SceneDecoration(.disc(x: x, y: y, radius: radius), color, reach: (x, y, radius, radius), size)
  }

  /// An upright rectangle; lengths are shares of the canvas.
  private static func box(
    _ left: Double, _ top: Double, _ right: Double, _ bottom: Double, _ color: Color, _ size: Int
  ) -> SceneDecoration {
    let s = Double(size)
    return SceneDecoration(
      .box(left: left * s, top: top * s, right: right * s, bottom: bottom * s), color.pixel,
      reach: ((left + right) / 2 * s, (top + bottom) / 2 * s, (right - left) / 2 * s, (bottom - top) / 2 * s), size)
  }

  /// Twelve soft dots a hundredth of the canvas wide.
  private static func stars(_ size: Int) -> [SceneDecoration] {
    var random = SplitMix64(seed: 12, index: 12)
    return (0..<12).map { _ in
      let (x, y) = (random.real(0.03, 0.97) * Double(size), random.real(0.03, 0.5) * Double(size))
      return disc(pixels: x, y, max(0.6, 0.006 * Double(size)), SIMD4(250, 246, 214, 255), size)
    }
  }

  /// Five clouds of four discs on a flat foot.
  private static func clouds(_ size: Int) -> [SceneDecoration] {
    let places: [(x: Double, y: Double, scale: Double)] = [
      (0.17, 0.16, 1.0), (0.80, 0.24, 0.8), (0.30, 0.58, 0.7), (0.84, 0.74, 1.0), (0.20, 0.90, 0.8),
    ]
    let discs: [(x: Double, y: Double, radius: Double)] = [
      (-0.075, 0.012, 0.036), (-0.03, -0.014, 0.050), (0.03, -0.006, 0.044), (0.075, 0.014, 0.034),
    ]
    let white = Color(250, 252, 255)
    var parts: [SceneDecoration] = []
    for (x, y, scale) in places {
      for part in discs { parts.append(disc(x + part.x * scale, y + part.y * scale, part.radius * scale, white, size)) }
      parts.append(box(x - 0.075 * scale, y + 0.01 * scale, x + 0.075 * scale, y + 0.048 * scale, white, size))
    }
    return parts
  }

  /// Houses behind a pavement, and the dashes of a road.
  private static func street(_ horizon: Double, _ size: Int) -> [SceneDecoration] {
    let houses: [(left: Double, right: Double, height: Double, color: Color)] = [
      (0.00, 0.15, 0.30, Color(190, 156, 140)), (0.15, 0.33, 0.42, Color(172, 180, 192)),
      (0.33, 0.48, 0.25, Color(206, 188, 160)), (0.48, 0.66, 0.37, Color(184, 166, 172)),
      (0.66, 0.80, 0.22, Color(166, 184, 176)), (0.80, 1.00, 0.40, Color(198, 172, 150)),
    ]
    var parts: [SceneDecoration] = []
    for house in houses {
      parts.append(box(house.left, horizon - house.height, house.right, horizon, house.color, size))
      let windows = house.color.mixed(with: Color(236, 240, 244), 0.45)
      let width = (house.right - house.left) / 7
      for row in 0..<Int(house.height / 0.08) {
        for column in 0..<3 {
          let (x, y) = (
            house.left + width * Double(1 + 2 * column), horizon - house.height + 0.025 + 0.08 * Double(row)
          )
          parts.append(box(x, y, x + width, y + 0.04, windows, size))
        }
      }
    }
    parts.append(box(0, horizon - 0.005, 1, horizon + 0.05, Color(184, 182, 178), size))
    for dash in 0..<5 {
      let x = 0.04 + 0.2 * Double(dash)
      parts.append(box(x, 0.82, x + 0.12, 0.84, Color(228, 228, 222), size))
    }
    return parts
  }

  /// A skirting board, and the joints of a wooden floor.
  private static func room(_ horizon: Double, _ size: Int) -> [SceneDecoration] {
    let joint = Color(146, 98, 60)
    let lines = (0..<4).map { line in
      let y = horizon + 0.03 + 0.02 * Double(line * line) + 0.05 * Double(line)
      return box(0, y, 1, y + 0.005, joint, size)
    }
    return [box(0, horizon - 0.045, 1, horizon, Color(250, 246, 238), size)] + lines
  }
}
