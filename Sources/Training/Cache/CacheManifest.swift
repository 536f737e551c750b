import Foundation
import NN
import Support

/// Everything that determines the contents of a cache of latents and text states, stored as `manifest.json`.
struct CacheManifest: Codable, Equatable {
  var format = 1  // incremented when the same values below would give other contents
  var encoder: String  // SHA-256 of the weights
  var statistics: String  // SHA-256 of the latent statistics
  var data: String  // human-readable
  var images: String  // SHA-256 that identifies the images
  var imageSize: Int  // of the encoder, in pixels
  var textEncoder: String  // SHA-256 of vocabulary, configuration and weights
  var longestCaption: Int  // tokens
  var precision: String  // of matrix products

  /// The names of the fields in format 1, on which the digest depends.
  private enum CodingKeys: String, CodingKey {
    case format, encoder, statistics, data
    case images = "pictures"
    case imageSize = "pictureSize"
    case textEncoder, longestCaption, precision
  }

  /// The digest of the cache: 64 hexadecimal digits.
  var digest: String { SHA256.hexDigest(json) }

  /// The bytes of `manifest.json`.
  var json: [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    guard let data = try? encoder.encode(self) else { fatalError("strings and numbers always encode") }
    return Array(data) + [10]
  }

  /// The differences of `other` from this manifest; `whileEncoderLearns` ignores the encoder, which is still trained.
  func differences(from other: CacheManifest, whileEncoderLearns: Bool = false) -> [CacheError.Difference] {
    let encoder = [
      ("encoder", brief(self.encoder), brief(other.encoder)),
      ("latent statistics", brief(statistics), brief(other.statistics)),
    ]
    let rest = [
      ("format", "\(format)", "\(other.format)"), ("data", data, other.data),
      ("images", brief(images), brief(other.images)),
      ("image size", "\(imageSize)", "\(other.imageSize)"),
      ("text encoder", brief(textEncoder), brief(other.textEncoder)),
      ("longest caption", "\(longestCaption)", "\(other.longestCaption)"),
      ("precision", precision, other.precision),
    ]
    return ((whileEncoderLearns ? [] : encoder) + rest).compactMap { what, expected, actual in
      expected == actual ? nil : CacheError.Difference(what: what, expected: expected, actual: actual)
    }
  }

  /// The first digits of a hash, for messages.
  private func brief(_ hash: String) -> String { String(hash.prefix(12)) }

  /// SHA-256 over names, types, shapes and elements.
  static func hash(of tensors: [NamedTensor]) -> String {
    var hash = SHA256()
    for (key, tensor) in tensors {
      Array("\(key) \(tensor.dtype) \(tensor.shape)\n".utf8).withUnsafeBytes { hash.update($0) }
      tensor.bytes().withUnsafeBytes { hash.update($0) }
    }
    return hash.hexDigest()
  }

  /// SHA-256 over files of a folder.
  static func hash(of names: [String], in folder: URL) throws(FileError) -> String {
    var hash = SHA256()
    for name in names {
      let bytes = try FileSlice(path: folder.appendingPathComponent(name).path).read()
      Array("\(name) \(bytes.count)\n".utf8).withUnsafeBytes { hash.update($0) }
      bytes.withUnsafeBytes { hash.update($0) }
    }
    return hash.hexDigest()
  }
}

/// An error that prevents the use of a cache.
enum CacheError: Error, CustomStringConvertible, Equatable {
  case other(folder: String, [Difference])
  case manifest(file: String, reason: String)
  case folder(String)

  /// One difference between a cache and what a run needs.
  struct Difference: Equatable {
    let what: String
    let expected: String
    let actual: String
  }

  var description: String {
    switch self {
    case .other(let folder, let differences):
      "the cache \(folder) does not match the encoder or data of this run: "
        + differences.map { "\($0.what): expected \($0.expected), found \($0.actual)" }.joined(separator: "; ")
        + ". Use another folder for --cache, or delete this one"
    case .manifest(let file, let reason):
      "\(file) is not a cache manifest: \(reason). Use an empty folder for --cache"
    case .folder(let path): "the folder \(path) for the cache cannot be created"
    }
  }
}
