import Images

/// An opaque picture in float, to draw on before it is rounded to bytes once.
public struct PixelCanvas {
  public let width: Int
  public let height: Int
  private var pixels: [SIMD4<Float>]

  /// A canvas of one colour.
  public init(width: Int, height: Int, colour: Colour) {
    self.width = width
    self.height = height
    pixels = [SIMD4<Float>](repeating: colour.pixel, count: width * height)
  }

  /// Draws a sprite over the canvas: centre and longer side in pixels.
  public mutating func draw(_ sprite: Sprite, centreX: Double, centreY: Double, side: Double) {
    let stamp = SpriteStamp(sprite, centre: (centreX, centreY), side: side, width: width, height: height)
    let width = width
    pixels.withUnsafeMutableBufferPointer { all in
      for row in stamp.rows {
        stamp.blend(row: row, into: UnsafeMutableBufferPointer(rebasing: all[row * width..<(row + 1) * width]))
      }
    }
  }

  /// The picture in bytes, each rounded once.
  public var image: Image {
    Image(width: width, height: height) { row, target in
      for x in 0..<width { target[x] = pixels[row * width + x] }
    }
  }
}
