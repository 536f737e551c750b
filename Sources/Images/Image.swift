/// An 8-bit image: interleaved rows from the top, sRGB, straight (not premultiplied) alpha.
///
/// A value type without tensors or files, so that it is `Sendable`.
public struct Image: Sendable, Equatable {
  /// What the interleaved bytes of one pixel mean.
  public enum Channels: Int, Sendable, Codable {
    /// One byte of luminance.
    case gray = 1
    /// Red, green and blue.
    case rgb = 3
    /// Red, green, blue and straight alpha: 0 is transparent, 255 opaque.
    case rgba = 4
  }

  /// Number of columns, at least 1.
  public let width: Int
  /// Number of rows, at least 1.
  public let height: Int
  /// Meaning and number of the bytes of a pixel.
  public let channels: Channels
  /// `height * width * channels.rawValue` bytes.
  public var pixels: [UInt8]

  /// An image over existing bytes; traps unless their number is width × height × channels.
  public init(width: Int, height: Int, channels: Channels, pixels: [UInt8]) {
    let expected = width * height * channels.rawValue
    guard width > 0, height > 0, pixels.count == expected else {
      fatalError(
        "an image of \(width)×\(height)×\(channels.rawValue) needs \(expected) bytes, got \(pixels.count)")
    }
    self.width = width
    self.height = height
    self.channels = channels
    self.pixels = pixels
  }
}
