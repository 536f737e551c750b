import CWebP

/// Still WebP images through libwebp: reads lossy and lossless files as RGB, or as RGBA if they have alpha; writes
/// lossy files.
public enum WebP {
  /// Decodes a WebP as it is stored, whatever its EXIF orientation; `file` is for messages.
  public static func decode(_ bytes: [UInt8], file: String = "the WebP") throws(ImageError) -> Image {
    func malformed(_ reason: String) -> ImageError { .malformed(file: file, format: "WebP", reason: reason) }
    var features = WebPBitstreamFeatures()
    let status = WebPGetFeatures(bytes, bytes.count, &features)
    guard status == VP8_STATUS_OK else { throw malformed(reason(status)) }
    guard features.has_animation == 0 else {
      throw .unsupported(file: file, format: "WebP", reason: "it is animated; only still images are read")
    }
    let (width, height) = (Int(features.width), Int(features.height))
    try ImageFile.check(width, height, file: file)
    guard width > 0, height > 0 else { throw malformed("its header claims \(width)×\(height) pixels") }
    let channels: Image.Channels = features.has_alpha != 0 ? .rgba : .rgb
    let (size, stride) = (width * height * channels.rawValue, Int32(width * channels.rawValue))
    // Uninitialized, so that a false size uses no memory before the decoder detects it.
    let pixels = [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
      let decoded =
        channels == .rgba
        ? WebPDecodeRGBAInto(bytes, bytes.count, buffer.baseAddress, size, stride)
        : WebPDecodeRGBInto(bytes, bytes.count, buffer.baseAddress, size, stride)
      filled = decoded == nil ? 0 : size
    }
    guard pixels.count == size else { throw malformed("its pixels are damaged or the file is truncated") }
    return Image(width: width, height: height, channels: channels, pixels: pixels)
  }

  /// The size of a WebP from the beginning of its file, or nil.
  static func size(_ head: [UInt8]) -> (width: Int, height: Int)? {
    var (width, height): (Int32, Int32) = (0, 0)
    return WebPGetInfo(head, head.count, &width, &height) == 0 ? nil : (Int(width), Int(height))
  }

  /// The bytes of a lossy WebP file of an RGB image: `quality` 1…100.
  public static func encode(_ image: Image, quality: Int) throws(ImageError) -> [UInt8] {
    guard image.channels == .rgb, (1...100).contains(quality) else {
      fatalError("expected an RGB image and a quality of 1 to 100, got \(image.channels) and \(quality)")
    }
    guard image.width <= longestSide, image.height <= longestSide else {
      throw .encoding(
        format: "WebP", reason: "it is \(image.width)×\(image.height) pixels, and \(longestSide) a side are the most")
    }
    var buffer: UnsafeMutablePointer<UInt8>?
    let size = WebPEncodeRGB(
      image.pixels, Int32(image.width), Int32(image.height), Int32(3 * image.width), Float(quality), &buffer)
    defer { WebPFree(buffer) }
    guard size > 0, let buffer else { throw .encoding(format: "WebP", reason: "libwebp gives no bytes") }
    return Array(UnsafeBufferPointer(start: buffer, count: size))
  }

  private static let longestSide = 16_383  // WEBP_MAX_DIMENSION, a macro

  /// The orientation in a WebP's EXIF chunk.
  public static func orientation(_ bytes: [UInt8]) -> Orientation {
    exif(bytes).map { EXIF.orientation($0) } ?? .upright
  }

  /// The EXIF chunk of a WebP, or nil.
  static func exif(_ bytes: [UInt8]) -> ArraySlice<UInt8>? {
    var offset = 12  // after "RIFF", the size and "WEBP"
    while offset <= bytes.count - 8 {
      let length = bytes[offset + 4..<offset + 8].reversed().reduce(0) { $0 << 8 | Int($1) }
      guard length <= bytes.count - offset - 8 else { break }
      if bytes[offset..<offset + 4].elementsEqual("EXIF".utf8) {
        return bytes[offset + 8..<offset + 8 + length]
      }
      offset += 8 + length + length % 2  // chunks are padded to even lengths
    }
    return nil
  }

  private static func reason(_ status: VP8StatusCode) -> String {
    switch status {
    case VP8_STATUS_NOT_ENOUGH_DATA: "it ends within its header: the file is truncated"
    case VP8_STATUS_UNSUPPORTED_FEATURE: "it uses a feature that libwebp does not know"
    default: "its header is damaged"
    }
  }
}
