import Foundation

@testable import Images

/// Small images in all formats, and parts of their files.
enum ImageSeeds {
  private static func image(_ channels: Image.Channels, width: Int = 9, height: Int = 7) -> Image {
    let pixels = (0..<width * height * channels.rawValue).map { UInt8($0 * 37 % 251) }
    return Image(width: width, height: height, channels: channels, pixels: pixels)
  }

  static func png() throws -> [[UInt8]] {
    let text = PNGText.Entry(keyword: "parameters", text: "a red apple")
    let plain = try [Image.Channels.gray, .rgb, .rgba].map { try PNG.encode(image($0), text: [text]) }
    let turned = plain.map { inserting(PNGChecksums.chunk("eXIf", exif[0]), into: $0) }
    return plain + turned + [interlaced, palette]
  }

  static func jpeg() throws -> [[UInt8]] {
    let plain = try JPEG.encode(image(.rgb), quality: 60)
    let body = Array("Exif\0\0".utf8) + exif[1]
    let segment = [0xff, 0xe1, UInt8((body.count + 2) >> 8), UInt8((body.count + 2) & 0xff)] + body
    return [plain, Array(plain[..<2]) + segment + plain[2...], try JPEG.adding(comment: "a red apple", to: plain)]
  }

  static func webp() throws -> [[UInt8]] {
    let plain = try WebP.encode(image(.rgb), quality: 60)
    return [plain, WebP.adding(comment: "a red apple", to: plain, width: 9, height: 7), lossless]
  }

  /// An orientation in both byte orders, and a comment.
  static var exif: [[UInt8]] {
    [
      [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0],
      [0x49, 0x49, 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0],
      EXIF.block(comment: "a red apple"),
    ]
  }

  static var sizes: [[UInt8]] {
    [[1, 0, 9, 0, 7, 0, 4, 0, 4, 3, 0, 0, 10, 20, 30], [2, 0, 1, 0, 40, 0, 100, 0, 100, 2, 5, 1, 255, 0, 128, 3]]
  }

  private static func inserting(_ chunk: [UInt8], into png: [UInt8]) -> [UInt8] {
    Array(png[..<PNGText.afterHeader]) + chunk + png[PNGText.afterHeader...]
  }

  /// 2×2 pixels of one bit, interlaced (Adam7), in stored deflate blocks.
  private static var interlaced: [UInt8] {
    file([0, 0, 0, 2, 0, 0, 0, 2, 1, 0, 0, 0, 1], [], [0, 128, 0, 128, 0, 192])
  }

  /// 2×2 pixels of a palette with transparency.
  private static var palette: [UInt8] {
    let chunks = PNGChecksums.chunk("PLTE", [255, 0, 0, 0, 255, 0]) + PNGChecksums.chunk("tRNS", [255, 10])
    return file([0, 0, 0, 2, 0, 0, 0, 2, 8, 3, 0, 0, 0], chunks, [0, 0, 1, 0, 1, 0])
  }

  private static func file(_ header: [UInt8], _ chunks: [UInt8], _ rows: [UInt8]) -> [UInt8] {
    [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a] + PNGChecksums.chunk("IHDR", header) + chunks
      + PNGChecksums.chunk("IDAT", PNGChecksums.stored(rows)) + PNGChecksums.chunk("IEND", [])
  }

  /// One red pixel, lossless.
  private static let lossless: [UInt8] = [
    0x52, 0x49, 0x46, 0x46, 0x1c, 0, 0, 0, 0x57, 0x45, 0x42, 0x50, 0x56, 0x50, 0x38, 0x4c, 0x0f, 0, 0, 0, 0x2f, 0, 0,
    0, 0, 0x07, 0x10, 0xfd, 0x8f, 0xfe, 0x07, 0x22, 0xa2, 0xff, 0x01, 0,
  ]
}

/// The checksums of PNG, so that changed files are read beyond them.
enum PNGChecksums {
  /// The file with the right checksum in every chunk.
  static func repaired(_ bytes: [UInt8]) -> [UInt8] {
    var (file, offset) = (bytes, 8)
    while offset + 12 <= file.count {
      let length = file[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
      guard length <= file.count - offset - 12 else { break }
      file.replaceSubrange(
        offset + 8 + length..<offset + 12 + length, with: crc(file[offset + 4..<offset + 8 + length]))
      offset += 12 + length
    }
    return file
  }

  static func chunk(_ kind: String, _ body: [UInt8]) -> [UInt8] {
    let typed = Array(kind.utf8) + body
    return number(UInt32(body.count)) + typed + crc(typed[...])
  }

  /// A zlib stream that compresses nothing.
  static func stored(_ bytes: [UInt8]) -> [UInt8] {
    let length = UInt16(bytes.count)
    var (a, b): (UInt32, UInt32) = (1, 0)
    for byte in bytes { (a, b) = ((a + UInt32(byte)) % 65521, (b + (a + UInt32(byte)) % 65521) % 65521) }
    let sizes = [UInt8(length & 0xff), UInt8(length >> 8), UInt8(~length & 0xff), UInt8(~length >> 8)]
    return [0x78, 0x01, 1] + sizes + bytes + number(b << 16 | a)
  }

  private static func number(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(value >> (24 - 8 * $0) & 0xff) } }

  private static func crc(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    number(~bytes.reduce(~UInt32(0)) { table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ ($0 >> 8) })
  }

  private static let table: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? 0xedb8_8320 ^ (value >> 1) : value >> 1 }
  }
}
