import Foundation
import NN
import Support

/// Everything that decides what is in a cache of latents and text states, as `manifest.json` in its folder says it.
struct CacheManifest: Codable, Equatable {
  var format = 1  // one higher whenever the same numbers below would give other examples
  var encoder: String  // SHA-256 of the weights, as all of these
  var statistics: String  // of the latents
  var data: String  // for people
  var pictures: String  // SHA-256 of what tells them from others
  var pictureSize: Int  // pixels that the encoder sees, along a side
  var textEncoder: String  // SHA-256 of vocabulary, configuration and weights
  var longestCaption: Int  // tokens
  var precision: String  // of matrix products

  /// A name for the cache, in 64 hexadecimal digits.
  var digest: String { SHA256.hexDigest(json) }

  /// The bytes of `manifest.json`.
  var json: [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    guard let data = try? encoder.encode(self) else { fatalError("strings and numbers always encode") }
    return Array(data) + [10]
  }

  /// Where `other` is not as this one asks; `whileEncoderLearns` leaves out what a run does not know yet.
  func differences(from other: CacheManifest, whileEncoderLearns: Bool = false) -> [CacheError.Difference] {
    let encoder = [
      ("encoder", brief(self.encoder), brief(other.encoder)),
      ("latent statistics", brief(statistics), brief(other.statistics)),
    ]
    let rest = [
      ("format", "\(format)", "\(other.format)"), ("data", data, other.data),
      ("pictures", brief(pictures), brief(other.pictures)),
      ("picture size", "\(pictureSize)", "\(other.pictureSize)"),
      ("text encoder", brief(textEncoder), brief(other.textEncoder)),
      ("longest caption", "\(longestCaption)", "\(other.longestCaption)"),
      ("precision", precision, other.precision),
    ]
    return ((whileEncoderLearns ? [] : encoder) + rest).compactMap { what, expected, actual in
      expected == actual ? nil : CacheError.Difference(what: what, expected: expected, actual: actual)
    }
  }

  /// The beginning of a hash, enough to tell two apart.
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

/// Why a cache of latents is not used.
enum CacheError: Error, CustomStringConvertible, Equatable {
  case other(folder: String, [Difference])
  case manifest(file: String, reason: String)
  case folder(String)

  /// One thing in which a cache is not what a run needs.
  struct Difference: Equatable {
    let what: String
    let expected: String
    let actual: String
  }

  var description: String {
    switch self {
    case .other(let folder, let differences):
      "the cache \(folder) is of another encoder or other data than this run's: "
        + differences.map { "\($0.what): expected \($0.expected), found \($0.actual)" }.joined(separator: "; ")
        + ". Give another folder to --cache, or remove this one"
    case .manifest(let file, let reason):
      "\(file) is not the manifest of a cache: \(reason). Give an empty folder to --cache"
    case .folder(let path): "the folder \(path) for the cache cannot be created"
    }
  }
}
