import Images
import Scenes

/// What tests measure of drawn images.
extension Image {
  /// A canvas of one color after `draw`.
  static func canvas(
    _ side: Int, _ color: Color = Color(0, 0, 0), _ draw: (inout PixelCanvas) -> Void
  ) -> Image {
    var canvas = PixelCanvas(width: side, height: side, color: color)
    draw(&canvas)
    return canvas.image
  }

  /// The color of a pixel.
  func color(_ x: Int, _ y: Int) -> Color {
    let at = 3 * (y * width + x)
    return Color(pixels[at], pixels[at + 1], pixels[at + 2])
  }

  /// The red values as shares of 255, added up: the area in pixels of what is white on black.
  var whiteArea: Double {
    stride(from: 0, to: pixels.count, by: 3).reduce(0) { $0 + Double(pixels[$1]) / 255 }
  }

  /// The center of what is white on black, in pixels.
  var whiteCenter: (x: Double, y: Double) {
    var (x, y) = (0.0, 0.0)
    for index in 0..<width * height {
      let weight = Double(pixels[3 * index]) / 255
      x += weight * (Double(index % width) + 0.5)
      y += weight * (Double(index / width) + 0.5)
    }
    return (x / whiteArea, y / whiteArea)
  }
}
