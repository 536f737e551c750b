// Encodes images, in the format given by the file name.

extension ImageFile {
  /// The format for the extension of a file name, without the dot and in any case; nil for other extensions.
  public init?(ending: String) {
    switch ending.lowercased() {
    case "png": self = .png
    case "jpg", "jpeg": self = .jpeg
    case "webp": self = .webp
    default: return nil
    }
  }

  /// The extension of new files.
  public var ending: String {
    switch self {
    case .jpeg: "jpg"
    case .png: "png"
    case .webp: "webp"
    }
  }

  /// The bytes of an image file of an RGB image.
  ///
  /// - Parameters:
  ///   - parameters: the generation parameters, stored as in AUTOMATIC1111's web UI: in a PNG as text with the keyword
  ///     `parameters`, in other formats as EXIF's UserComment.
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
