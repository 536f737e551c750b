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

  /// A PNG file's bytes, with `parameters` in a text chunk unless told otherwise.
  public func png(metadata: Bool = true) throws(RasterError) -> [UInt8] {
    try PNG.encode(image, text: metadata ? [PNGText.Entry(keyword: "parameters", text: parameters)] : [])
  }

  /// Writes a PNG that appears whole or not at all.
  public func write(to url: URL, metadata: Bool = true) throws {
    try AtomicFile.write(png(metadata: metadata), to: url)
  }
}
