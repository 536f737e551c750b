/// The supported image formats, detected by content, never by file name.
public enum ImageFile: String, Sendable, CaseIterable {
  /// JPEG of gray, RGB or CMYK colors.
  case jpeg = "JPEG"
  /// Still PNG, with or without transparency.
  case png = "PNG"
  /// Still WebP, with or without transparency.
  case webp = "WebP"

  /// The maximum side of a decoded image: a small file can claim terabytes of pixels.
  public static let maxSide = 16_384

  /// The maximum number of pixels, as in Pillow's check for decompression bombs.
  public static let maxPixels = 178_956_970

  /// File extensions, lower case, without the dot.
  public static let extensions: Set<String> = ["jpg", "jpeg", "jpe", "jfif", "pjpeg", "png", "webp"]

  /// All formats, for messages.
  static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }

  /// The format by the first bytes, or nil.
  public init?(_ bytes: [UInt8]) {
    if bytes.starts(with: [0xff, 0xd8, 0xff]) {
      self = .jpeg
    } else if bytes.starts(with: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]) {
      self = .png
    } else if bytes.count >= 12, bytes.starts(with: "RIFF".utf8), bytes[8..<12].elementsEqual("WEBP".utf8) {
      self = .webp
    } else {
      return nil
    }
  }

  /// Decodes a JPEG, PNG or WebP file, turned upright as its EXIF orientation says.
  ///
  /// Gray, RGB or RGBA in 8 bits, whatever the file holds. `file` is for messages.
  public static func decode(_ bytes: [UInt8], file: String) throws(ImageError) -> Image {
    switch ImageFile(bytes) {
    case .jpeg: try JPEG.decode(bytes, file: file).upright(from: JPEG.orientation(bytes))
    case .png: try PNG.decode(bytes, file: file).upright(from: PNG.orientation(bytes))
    case .webp: try WebP.decode(bytes, file: file).upright(from: WebP.orientation(bytes))
    case nil: throw .unknownFormat(file: file, begin: begin(bytes))
    }
  }

  /// The size of the upright image, from the beginning of its file; nil if it is not found.
  ///
  /// An orientation that is stored further back in the file counts as upright.
  public static func uprightSize(_ head: [UInt8]) -> (width: Int, height: Int)? {
    guard let size = size(head) else { return nil }
    let orientation: Orientation =
      switch ImageFile(head) {
      case .jpeg: JPEG.orientation(head)
      case .png: PNG.orientation(head)
      case .webp: WebP.orientation(head)
      case nil: .upright
      }
    return orientation.exchangesSides ? (size.height, size.width) : size
  }

  /// The stored size of an image, from the beginning of its file; nil if it is not found.
  public static func size(_ head: [UInt8]) -> (width: Int, height: Int)? {
    switch ImageFile(head) {
    case .jpeg: return (try? JPEGHeader.read(head).get()).map { ($0.width, $0.height) }
    case .png:
      guard head.count >= 24 else { return nil }
      func number(_ place: Int) -> Int { head[place..<place + 4].reduce(0) { $0 << 8 | Int($1) } }
      let (width, height) = (number(16), number(20))
      // PNG allows no longer sides; the product of such two fits into 64 bits.
      return width <= Int32.max && height <= Int32.max ? (width, height) : nil
    case .webp: return WebP.size(head)
    case nil: return nil
    }
  }

  /// Throws if an image is too large.
  static func check(_ width: Int, _ height: Int, file: String) throws(ImageError) {
    guard width <= maxSide, height <= maxSide else {
      throw .tooLarge(file: file, width: width, height: height, limit: maxSide)
    }
    guard width * height <= maxPixels else {
      throw .tooManyPixels(file: file, width: width, height: height, limit: maxPixels)
    }
  }

  /// The first bytes for messages: as text if they are ASCII.
  private static func begin(_ bytes: [UInt8]) -> String {
    let first = bytes.prefix(6)
    if first.isEmpty { return "nothing: it is empty" }
    if first.allSatisfy({ (0x20..<0x7f).contains($0) }) { return "\"\(String(decoding: first, as: UTF8.self))\"" }
    return "the bytes " + first.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
  }
}

/// An error while reading or writing an image.
public enum ImageError: Error, CustomStringConvertible, Sendable, Equatable {
  /// The file does not exist or cannot be read.
  case unreadable(file: String, reason: String)
  /// The first bytes are those of none of the formats; `begin` shows them.
  case unknownFormat(file: String, begin: String)
  /// The file has a supported format and is damaged or truncated.
  case malformed(file: String, format: String, reason: String)
  /// The file uses a feature of its format that Flux does not read, such as animation.
  case unsupported(file: String, format: String, reason: String)
  /// A side is longer than `limit` pixels.
  case tooLarge(file: String, width: Int, height: Int, limit: Int)
  /// Width times height is more than `limit` pixels.
  case tooManyPixels(file: String, width: Int, height: Int, limit: Int)
  /// The image cannot be written in this format.
  case encoding(format: String, reason: String)

  public var description: String {
    switch self {
    case .unreadable(let file, let reason): "cannot read \(file): \(reason)"
    case .unknownFormat(let file, let begin):
      "\(file) is not a supported image (\(ImageFile.names)): it begins with \(begin)"
    case .malformed(let file, let format, let reason): "\(file) is not a valid \(format) image: \(reason)"
    case .unsupported(let file, let format, let reason):
      "\(file) is an unsupported \(format) image: \(reason)"
    case .tooLarge(let file, let width, let height, let limit):
      "\(file) has \(width)×\(height) pixels; the limit is \(limit) pixels per side"
    case .tooManyPixels(let file, let width, let height, let limit):
      "\(file) has \(width)×\(height) pixels, \(width * height) in total; the limit is \(limit) in total"
    case .encoding(let format, let reason): "the image cannot be written as \(format): \(reason)"
    }
  }
}
