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
  ///   - record: beside parameters, Flux's own text for the pixels that readers of the file get: in a PNG with the keyword
  ///     `flux`, in other formats as EXIF's MakerNote. A JPEG whose parameters fill its EXIF segment has none.
  public func encode(
    _ image: Image, parameters: String? = nil, quality: Int = 95, record: (Image) -> String? = { _ in nil }
  ) throws(ImageError) -> [UInt8] {
    switch self {
    case .png:
      guard let parameters else { return try PNG.encode(image) }
      let own = record(image).map { [PNGText.Entry(keyword: "flux", text: $0)] } ?? []
      return try PNG.encode(image, text: [PNGText.Entry(keyword: "parameters", text: parameters)] + own)
    case .jpeg:
      let bytes = try JPEG.encode(image, quality: quality)
      guard let parameters else { return bytes }
      return try JPEG.adding(comment: parameters, note: record(try JPEG.decode(bytes)), to: bytes)
    case .webp:
      let bytes = try WebP.encode(image, quality: quality)
      guard let parameters else { return bytes }
      let own = record(try WebP.decode(bytes))
      return WebP.adding(comment: parameters, note: own, to: bytes, width: image.width, height: image.height)
    }
  }

  /// The longest text that `encode` takes as parameters, in UTF-16 units; nil where there is no limit.
  public var longestParameters: Int? { self == .jpeg ? JPEG.longestComment : nil }
}
