// Writing of images, in the format that a file's name asks for.

extension ImageFile {
  /// The format that the ending of a file's name asks for, without the dot and in any case; nil for others.
  public init?(ending: String) {
    switch ending.lowercased() {
    case "png": self = .png
    case "jpg", "jpeg": self = .jpeg
    case "webp": self = .webp
    default: return nil
    }
  }

  /// The ending of new files.
  public var ending: String {
    switch self {
    case .jpeg: "jpg"
    case .png: "png"
    case .webp: "webp"
    }
  }

  /// The bytes of a file of an RGB image.
  ///
  /// - Parameters:
  ///   - parameters: how the image was made: in a PNG a text of that keyword, in others EXIF's UserComment, as
  ///     AUTOMATIC1111's web UI writes it.
  ///   - quality: 1…100, for JPEG (color at full resolution) and lossy WebP.
  public func encode(_ image: Image, parameters: String? = nil, quality: Int = 95) throws(ImageError) -> [UInt8] {
    switch self {
    case .png:
      return try PNG.encode(image, text: parameters.map { [PNGText.Entry(keyword: "parameters", text: $0)] } ?? [])
    case .jpeg:
      let bytes = try JPEG.encode(image, quality: quality)
      return try parameters.map { text throws(ImageError) in try JPEG.adding(comment: text, to: bytes) } ?? bytes
    case .webp:
      let bytes = try WebP.encode(image, quality: quality)
      return parameters.map { WebP.adding(comment: $0, to: bytes, width: image.width, height: image.height) } ?? bytes
    }
  }

  /// The longest text that `encode` takes as parameters, in UTF-16 units; nil where there is no limit.
  public var longestParameters: Int? { self == .jpeg ? JPEG.longestComment : nil }
}
