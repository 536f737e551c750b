import Images

/// Images that clients send with a request; all limits are checked before pixels are decoded.
enum ClientImage {
  /// An image in base64, with or without the beginning of a `data:` URL.
  ///
  /// Errors name `field`. Addresses are not fetched, and paths are not opened.
  static func read(_ text: String, _ field: String, _ limits: ServerLimits) throws(RequestError) -> Image {
    if text.hasPrefix("http://") || text.hasPrefix("https://") {
      throw RequestError(
        "\(field) is an address; send the image itself, in base64 or as a data: URL", field: field,
        code: "invalid_image")
    }
    guard let bytes = Base64.decode(text), !bytes.isEmpty else {
      throw RequestError("\(field) is not base64 or a data: URL in base64", field: field, code: "invalid_image")
    }
    return try read(bytes, field, limits)
  }

  /// An image file: JPEG, PNG or WebP.
  static func read(_ bytes: [UInt8], _ field: String, _ limits: ServerLimits) throws(RequestError) -> Image {
    if ImageFile(bytes) != nil {
      guard let (width, height) = ImageFile.size(bytes) else {
        throw RequestError("\(field) is a damaged image: it has no size", field: field, code: "invalid_image")
      }
      guard PixelSize(width: width, height: height).area <= limits.pixels else {
        throw RequestError(
          "\(field) has \(width)x\(height) pixels; the limit is \(limits.pixels) in total", field: field,
          code: "image_too_large")
      }
    }
    do throws(ImageError) {
      return try ImageFile.decode(bytes, file: field)
    } catch { throw RequestError(error.description, field: field, code: "invalid_image") }
  }
}
