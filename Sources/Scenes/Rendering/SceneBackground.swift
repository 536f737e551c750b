/// Paints what is behind the objects, a row at a time.
struct SceneBackground {
  private let background: Scene.Background
  private let horizon: Double
  private let size: Int
  private let decorations: [SceneDecoration]

  init(_ background: Scene.Background, horizon: Double, size: Int) {
    self.background = background
    self.size = size
    switch background {
    case .landscape(.sky):
      self.horizon = 1.1  // below the image: all of it is sky
      decorations = SceneDecoration.of(.sky, horizon: 1.1, size: size)
    case .landscape(let landscape):
      self.horizon = horizon
      decorations = SceneDecoration.of(landscape, horizon: horizon, size: size)
    case .plain, .gradient, .pattern:
      self.horizon = horizon
      decorations = []
    }
  }

  /// Sets every pixel of a row.
  func paint(row: Int, into pixels: UnsafeMutableBufferPointer<SIMD4<Float>>) {
    let y = (Double(row) + 0.5) / Double(size)
    switch background {
    case .plain(let color): pixels.update(repeating: color.backgroundColor.pixel)
    case .gradient(let top, let bottom):
      let (a, b) = (top.backgroundColor.pixel, bottom.backgroundColor.pixel)
      pixels.update(repeating: a + (b - a) * Float(y))
    case .pattern(let pattern, let ground, let figure):
      let (a, b) = (ground.backgroundColor.pixel, figure.backgroundColor.pixel)
      for x in 0..<size {
        let cover = pattern.cover((Double(x) + 0.5) / Double(size), y, pixels: Double(size))
        pixels[x] = a + (b - a) * Float(cover)
      }
    case .landscape(let landscape):
      let (top, foot, ground) = landscape.colors
      let sky = top.mixed(with: foot, min(1, y / horizon))
      let covered = max(0, min(1, (horizon - y) * Double(size) + 0.5))  // antialiased horizon
      pixels.update(repeating: (covered > 0 ? ground.mixed(with: sky, covered) : ground).pixel)
      for decoration in decorations where decoration.rows.contains(row) { decoration.paint(row: row, into: pixels) }
    }
  }
}

extension Scene.Pattern {
  /// How much of a pixel belongs to the figure, 0…1; lengths are shares of the canvas.
  func cover(_ x: Double, _ y: Double, pixels: Double) -> Double {
    switch self {
    case .stripes: return Self.wave(x, pixels)
    case .checks:
      let (a, b) = (Self.wave(x, pixels), Self.wave(y, pixels))
      return a + b - 2 * a * b
    case .dots:
      // Rows an eighth apart, every second one shifted by half a step.
      let line = (8 * y).rounded(.down)
      let shift = line.truncatingRemainder(dividingBy: 2) == 0 ? 0.25 : 0.75
      let dx = Self.fraction(8 * x + shift) - 0.5
      let dy = 8 * y - line - 0.5
      let distance = (dx * dx + dy * dy).squareRoot() / 8
      return max(0, min(1, (0.028 - distance) * pixels + 0.5))
    }
  }

  /// A square wave of eight steps, with edges a pixel wide.
  private static func wave(_ x: Double, _ pixels: Double) -> Double {
    let phase = fraction(4 * x)  // 0…½ figure, ½…1 ground
    let inside = min(phase, 0.5 - phase)  // distance to the nearest edge, positive in the figure
    return max(0, min(1, (phase > 0.75 ? phase - 1 : inside) / 4 * pixels + 0.5))
  }

  private static func fraction(_ x: Double) -> Double { x - x.rounded(.down) }
}
