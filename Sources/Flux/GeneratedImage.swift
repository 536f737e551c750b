import Foundation
import Images
import Support

/// A picture with everything that made it.
public struct Picture: Sendable, Equatable {
  public let image: Image
  public let request: GenerationRequest
  public let source: ModelSource

  public init(image: Image, request: GenerationRequest, source: ModelSource) {
    self.image = image
    self.request = request
    self.source = source
  }

  /// How it was made, as text that people's tools read.
  public var parameters: String {
    ParametersText.write(request, source, width: image.width, height: image.height)
  }

  /// A file's bytes, with `parameters` in it unless told otherwise: a text chunk in a PNG, EXIF in a JPEG or WebP, whose
  /// `quality` is 1…100.
  public func encoded(
    as format: ImageFile = .png, metadata: Bool = true, quality: Int = 95
  ) throws(RasterError) -> [UInt8] {
    try format.encode(image, parameters: metadata ? parameters : nil, quality: quality)
  }

  /// Writes a file that appears whole or not at all, in the format of its name's ending (PNG where there is none).
  public func write(to url: URL, metadata: Bool = true) throws {
    try AtomicFile.write(encoded(as: ImageFile(ending: url.pathExtension) ?? .png, metadata: metadata), to: url)
  }
}
