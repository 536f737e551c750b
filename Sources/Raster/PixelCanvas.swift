/// An sRGB colour of bytes.
public struct Colour: Sendable, Hashable, Codable {
  public let red: UInt8
  public let green: UInt8
  public let blue: UInt8

  public init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
    self.red = red
    self.green = green
    self.blue = blue
  }

  /// As floats 0…255, with an alpha of 255.
  var vector: SIMD4<Float> { SIMD4(Float(red), Float(green), Float(blue), 255) }

  /// The colour `weight` of the way to another.
  public func mixed(with other: Colour, _ weight: Double) -> Colour {
    func mix(_ a: UInt8, _ b: UInt8) -> UInt8 {
      UInt8((Double(a) + (Double(b) - Double(a)) * weight).rounded())
    }
    return Colour(mix(red, other.red), mix(green, other.green), mix(blue, other.blue))
  }
}

/// An opaque picture in float, to draw on before it is rounded to bytes once.
public struct PixelCanvas {
  public let width: Int
  public let height: Int
  private var pixels: [SIMD4<Float>]

  /// A canvas of one colour.
  public init(width: Int, height: Int, colour: Colour) {
    self.width = width
    self.height = height
    pixels = [SIMD4<Float>](repeating: colour.vector, count: width * height)
  }

  /// Sets a row to one colour.
  public mutating func fill(row: Int, _ colour: Colour) {
    for x in 0..<width { pixels[row * width + x] = colour.vector }
  }

  /// Lays a premultiplied colour (0…255) over a pixel.
  @inline(__always)
  public mutating func blend(_ colour: SIMD4<Float>, _ x: Int, _ y: Int) {
    pixels[y * width + x] = colour + pixels[y * width + x] * (1 - colour.w / 255)
  }

  /// The picture in bytes, each rounded once.
  public var image: Image {
    var bytes = [UInt8](repeating: 0, count: 3 * width * height)
    for (index, pixel) in pixels.enumerated() {
      for channel in 0..<3 { bytes[3 * index + channel] = UInt8(max(0, min(255, pixel[channel].rounded()))) }
    }
    return Image(width: width, height: height, channels: .rgb, pixels: bytes)
  }
}
