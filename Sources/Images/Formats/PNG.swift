import CPNG

/// PNG through libpng's simplified interface: 8-bit gray, RGB or RGBA in memory, whatever the file holds.
public enum PNG {
  /// Effort of the compressor.
  public enum Effort: Sendable {
    /// libpng's default filters and compression level.
    case small
    /// No filters and a low level: a third of the time; files of flat images are hardly larger.
    case fast
  }

  /// The bytes of a PNG file, with text chunks between header and pixels.
  public static func encode(
    _ image: Image, text: [PNGText.Entry] = [], effort: Effort = .small
  ) throws(ImageError) -> [UInt8] {
    var control = png_image()
    control.version = UInt32(PNG_IMAGE_VERSION)
    control.width = UInt32(image.width)
    control.height = UInt32(image.height)
    control.format = format(of: image.channels)
    if effort == .fast { control.flags |= UInt32(PNG_IMAGE_FLAG_FAST) }
    defer { png_image_free(&control) }
    // More than the worst case (libpng's PNG_IMAGE_PNG_SIZE_MAX, a macro). Querying the size would compress twice.
    let raw = image.pixels.count + image.height
    var size = raw + raw / 4 + 4096
    var bytes = [UInt8](repeating: 0, count: size)
    guard png_image_write_to_memory(&control, &bytes, &size, 0, image.pixels, 0, nil) != 0 else {
      throw .encoding(format: "PNG", reason: message(&control))
    }
    // A new array: the buffer would keep the memory of the pixels as long as the file is kept.
    let file = [
      bytes[..<PNGText.afterHeader], text.flatMap { PNGText.chunk($0) }[...], bytes[PNGText.afterHeader..<size],
    ]
    return Array(file.joined())
  }

  /// Decodes a PNG: palettes, 16 bits, interlacing and transparency included.
  ///
  /// `file` is for messages.
  public static func decode(_ bytes: [UInt8], file: String = "the PNG") throws(ImageError) -> Image {
    guard !isAnimated(bytes) else {
      throw .unsupported(file: file, format: "PNG", reason: "it is animated; only still images are read")
    }
    if let reason = overlongChunk(bytes) { throw .malformed(file: file, format: "PNG", reason: reason) }
    var control = png_image()
    control.version = UInt32(PNG_IMAGE_VERSION)
    defer { png_image_free(&control) }
    let outcome: Result<Image, ImageError> = bytes.withUnsafeBytes { buffer in
      guard png_image_begin_read_from_memory(&control, buffer.baseAddress, buffer.count) != 0 else {
        return .failure(.malformed(file: file, format: "PNG", reason: message(&control)))
      }
      let (width, height) = (Int(control.width), Int(control.height))
      do throws(ImageError) {
        try ImageFile.check(width, height, file: file)
      } catch { return .failure(error) }
      // Deflate expands a byte to at most 1,032 bytes of at most 8 pixels each. Larger claims would only fill memory.
      guard width * height <= 8 * 1032 * bytes.count else {
        let reason = "\(bytes.count) bytes cannot hold the \(width)×\(height) pixels that its header claims"
        return .failure(.malformed(file: file, format: "PNG", reason: reason))
      }
      let hasColor = control.format & UInt32(PNG_FORMAT_FLAG_COLOR) != 0
      let hasAlpha = control.format & UInt32(PNG_FORMAT_FLAG_ALPHA) != 0
      let channels: Image.Channels = hasAlpha ? .rgba : hasColor ? .rgb : .gray
      control.flags |= UInt32(PNG_IMAGE_FLAG_16BIT_sRGB)  // 16-bit files without a gamma are sRGB, as everywhere else
      control.format = format(of: channels)
      var pixels = [UInt8](repeating: 0, count: width * height * channels.rawValue)
      guard png_image_finish_read(&control, nil, &pixels, 0, nil) != 0 else {
        return .failure(.malformed(file: file, format: "PNG", reason: message(&control)))
      }
      return .success(Image(width: width, height: height, channels: channels, pixels: pixels))
    }
    return try outcome.get()
  }

  /// The orientation in a PNG's eXIf chunk.
  public static func orientation(_ bytes: [UInt8]) -> Orientation {
    chunk("eXIf", of: bytes).map { EXIF.orientation($0) } ?? .upright
  }

  /// Whether a PNG has several frames (PNG specification, third edition, 11.3.6.1).
  private static func isAnimated(_ bytes: [UInt8]) -> Bool { chunk("acTL", of: bytes, before: "IDAT") != nil }

  /// Describes a chunk before the pixels that claims more bytes than follow it; nil if there is none.
  ///
  /// libpng would allocate the claimed size, up to 2 GB, before it detects this.
  private static func overlongChunk(_ bytes: [UInt8]) -> String? {
    var offset = 8
    while offset + 8 <= bytes.count {
      let length = bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
      let kind = bytes[offset + 4..<offset + 8]
      if kind.elementsEqual("IDAT".utf8) || kind.elementsEqual("IEND".utf8) { return nil }
      guard length <= bytes.count - offset - 8 else {
        let name = String(decoding: kind, as: UTF8.self)
        return "its chunk \(name) claims \(length) bytes, and \(bytes.count - offset - 8) follow"
      }
      offset += 12 + length
    }
    return nil
  }

  /// The data of the first chunk with a name, or nil.
  static func chunk(_ name: String, of bytes: [UInt8], before end: String? = nil) -> ArraySlice<UInt8>? {
    var offset = 8
    while offset + 12 <= bytes.count {
      let length = bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
      guard length <= bytes.count - offset - 12 else { return nil }
      let kind = bytes[offset + 4..<offset + 8]
      if kind.elementsEqual(name.utf8) { return bytes[offset + 8..<offset + 8 + length] }
      if let end, kind.elementsEqual(end.utf8) { return nil }
      offset += 12 + length
    }
    return nil
  }

  private static func format(of channels: Image.Channels) -> UInt32 {
    switch channels {
    case .gray: 0
    case .rgb: UInt32(PNG_FORMAT_FLAG_COLOR)
    case .rgba: UInt32(PNG_FORMAT_FLAG_COLOR) | UInt32(PNG_FORMAT_FLAG_ALPHA)
    }
  }

  private static func message(_ control: inout png_image) -> String {
    withUnsafeBytes(of: &control.message) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}
