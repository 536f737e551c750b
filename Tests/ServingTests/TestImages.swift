import Foundation
import Images

/// Small images as clients send them.
enum TestImages {
  /// An image with a pattern.
  static func photo(_ width: Int = 64, _ height: Int = 64) -> Image {
    Image(
      width: width, height: height, channels: .rgb,
      pixels: (0..<3 * width * height).map { UInt8(truncatingIfNeeded: $0 / 3 % width * 3 + $0 % 3 * 40 + $0 / 999) })
  }

  /// Gray, white in a rectangle and black elsewhere.
  static func mask(_ width: Int = 64, _ height: Int = 64, white: (x: Range<Int>, y: Range<Int>)) -> Image {
    let pixels = (0..<width * height).map {
      white.x.contains($0 % width) && white.y.contains($0 / width) ? 255 : 0 as UInt8
    }
    return Image(width: width, height: height, channels: .gray, pixels: pixels)
  }

  /// An image that is transparent in a rectangle.
  static func hole(_ image: Image, _ hole: (x: Range<Int>, y: Range<Int>)) -> Image {
    let pixels = (0..<image.width * image.height).flatMap { index -> [UInt8] in
      let isHole = hole.x.contains(index % image.width) && hole.y.contains(index / image.width)
      return Array(image.pixels[3 * index..<3 * index + 3]) + [isHole ? 0 : 255]
    }
    return Image(width: image.width, height: image.height, channels: .rgba, pixels: pixels)
  }

  /// A PNG file.
  static func png(_ image: Image, text: [PNGText.Entry] = []) throws -> [UInt8] { try PNG.encode(image, text: text) }

  /// A PNG file in base64.
  static func base64(_ image: Image) throws -> String { Data(try png(image)).base64EncodedString() }

  /// The header of a PNG that claims a size, and nothing else.
  static func bomb(_ width: UInt32, _ height: UInt32) -> [UInt8] {
    var bytes: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13] + Array("IHDR".utf8)
    for side in [width, height] { bytes += (0..<4).map { UInt8(truncatingIfNeeded: side >> (24 - 8 * $0)) } }
    return bytes + [8, 2, 0, 0, 0, 0, 0, 0, 0]
  }

  /// The image of base64 text.
  static func decoded(_ text: String?) throws -> Image {
    try ImageFile.decode([UInt8](Data(base64Encoded: text ?? "") ?? Data()), file: "the answer")
  }
}
