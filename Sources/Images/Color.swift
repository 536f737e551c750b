/// An sRGB color with 8 bits per channel.
public struct Color: Sendable, Hashable, Codable {
  /// sRGB value of the red channel, 0…255.
  public let red: UInt8
  /// sRGB value of the green channel, 0…255.
  public let green: UInt8
  /// sRGB value of the blue channel, 0…255.
  public let blue: UInt8

  /// A color of three sRGB values, 0…255.
  public init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
    self.red = red
    self.green = green
    self.blue = blue
  }

  /// As floats 0…255, with an alpha of 255.
  public var pixel: SIMD4<Float> { SIMD4(Float(red), Float(green), Float(blue), 255) }

  /// Linear interpolation from this color (`weight` 0) to another (1).
  public func mixed(with other: Color, _ weight: Double) -> Color {
    func mix(_ a: UInt8, _ b: UInt8) -> UInt8 {
      UInt8((Double(a) + (Double(b) - Double(a)) * weight).rounded())
    }
    return Color(mix(red, other.red), mix(green, other.green), mix(blue, other.blue))
  }
}
