import Foundation
import Images
import Support
import Torch

/// How an image was generated, in full precision: the JSON object that Flux writes into files beside `ParametersText`.
///
/// It holds what is needed to check that the pixels are unchanged and to draw the image again.
public struct ImageRecord: Codable, Sendable, Equatable {
  /// The version of this format.
  public static let currentSchema = 1

  /// Version of the format, 1.
  public var schema = currentSchema
  /// The settings of the image.
  public var request: GenerationRequest
  /// The model, with the student and LoRAs that were merged into it.
  public var model: ModelSource
  /// Where and how it was computed; nil if that is not known.
  public var run: GenerationRun?
  /// Whether the image was resampled, centered and cropped to the size of the file after it was drawn; nil is no.
  public var isResized: Bool?
  /// The quality of the JPEG or WebP; nil for PNG.
  public var quality: Int?
  /// The version of Flux.
  public var version: String
  /// SHA-256 over the pixels that the file decodes to (`hash(of:)`).
  public var pixelsHash: String

  private enum CodingKeys: String, CodingKey {
    case schema, request, model, run, quality, version
    case isResized = "resized"
    case pixelsHash = "pixelsSha256"
  }

  /// The record of an image whose file decodes to `pixels`.
  public init(_ image: GeneratedImage, pixels: Image, quality: Int? = nil) {
    (request, model, run) = (image.request, image.source, image.run)
    (self.quality, version, pixelsHash) = (quality, Version.current, Self.hash(of: pixels))
  }

  /// The record of the same image in another file, which decodes to `pixels`.
  public func copy(pixels: Image, quality: Int?) -> ImageRecord {
    var copy = self
    (copy.quality, copy.pixelsHash) = (quality, Self.hash(of: pixels))
    return copy
  }

  /// SHA-256 over the width and height as text and the bytes of all pixels as RGB, 64 hexadecimal digits.
  ///
  /// Independent of the format and its compression.
  public static func hash(of image: Image) -> String {
    var hash = SHA256()
    Array("\(image.width)x\(image.height)\n".utf8).withUnsafeBytes { hash.update($0) }
    image.asRGB.pixels.withUnsafeBytes { hash.update($0) }
    return hash.hexDigest()
  }

  /// The JSON object, in one line, with keys in snake case.
  public var json: String {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    guard let data = try? encoder.encode(self) else { fatalError("a record of plain values always encodes") }
    return String(decoding: data, as: UTF8.self)
  }

  /// Reads a JSON object; nil if it is none of this schema.
  ///
  /// A setting that the object lacks has its default value, so that later versions can add some.
  public init?(json: String) {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    guard let object = try? JSONSerialization.jsonObject(with: Data(json.utf8)), var table = object as? [String: Any],
      let defaults = try? encoder.encode(GenerationRequest(prompt: "")),
      var request = try? JSONSerialization.jsonObject(with: defaults) as? [String: Any]
    else { return nil }
    request.merge(table["request"] as? [String: Any] ?? [:]) { $1 }
    table["request"] = request
    guard let whole = try? JSONSerialization.data(withJSONObject: table),
      let record = try? decoder.decode(ImageRecord.self, from: whole), record.schema == Self.currentSchema
    else { return nil }
    self = record
  }
}

/// Where and how an image was computed: what its last bits depend on beside the request and the weights.
public struct GenerationRun: Codable, Sendable, Equatable {
  /// The images that were denoised together.
  public struct Batch: Codable, Sendable, Equatable {
    /// Place of the image among them, from 0.
    public var index: Int
    /// Their number.
    public var count: Int
    /// Tokens that their texts were padded to, where several prompts were drawn together; nil for images of one prompt.
    public var tokens: Int?
  }

  /// Name of the device, such as `cpu` or `cuda:0`.
  public var device: String
  /// CPU threads of libtorch.
  public var threads: Int
  /// Version of libtorch.
  public var libtorch: String
  /// The precision of the networks; nil is float32.
  public var precision: Precision?
  /// The images that were denoised together.
  public var batch: Batch

  /// The run of this process on a device, for an image of a batch.
  init(
    on device: Device, _ precision: Precision, image index: Int, of count: Int, tokens: Int? = nil
  ) {
    (self.device, threads, libtorch) = (device.description, Libtorch.threads, Libtorch.version)
    self.precision = precision == .float32 ? nil : precision
    batch = Batch(index: index, count: count, tokens: tokens)
  }

  /// Whether another run must give the same bits for the same request and weights.
  public func isSameMachinery(as other: GenerationRun) -> Bool {
    (device, libtorch) == (other.device, other.libtorch)
  }
}
