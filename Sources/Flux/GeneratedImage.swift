import Foundation
import Images
import Support

/// A generated image with its request and model.
public struct GeneratedImage: Sendable, Equatable {
  /// The 8-bit RGB image.
  public let image: Image
  /// The settings that the image was generated with.
  public let request: GenerationRequest
  /// The model, with the student and LoRAs that were merged into it.
  public let source: ModelSource
  /// Where and how it was computed, for metadata; nil if that is not known.
  public let run: GenerationRun?

  /// Puts an image together with its origin, for metadata.
  public init(image: Image, request: GenerationRequest, source: ModelSource, run: GenerationRun? = nil) {
    self.image = image
    self.request = request
    self.source = source
    self.run = run
  }

  /// The generation parameters as text, in the format of AUTOMATIC1111's web UI.
  public var parameters: String {
    ParametersText.write(request, source, width: image.width, height: image.height)
  }

  /// The bytes of an image file, by default with `parameters` and an `ImageRecord` embedded: as text chunks in a PNG, as
  /// EXIF in a JPEG or WebP, whose `quality` is 1…100.
  public func encoded(
    as format: ImageFile = .png, metadata: Bool = true, quality: Int = 95
  ) throws(ImageError) -> [UInt8] {
    try format.encode(image, parameters: metadata ? parameters : nil, quality: quality) { pixels in
      ImageRecord(self, pixels: pixels, quality: format == .png ? nil : quality).json
    }
  }

  /// Writes a file atomically, in the format of its extension (PNG if there is none).
  public func write(to url: URL, metadata: Bool = true) throws {
    try AtomicFile.write(encoded(as: ImageFile(ending: url.pathExtension) ?? .png, metadata: metadata), to: url)
  }
}
