import Diffusion
import Foundation
import Support
import Torch

/// The identity of a model: its name, and a hash of its weights and configurations.
public struct ModelSource: Sendable, Codable, Equatable {
  /// Name of the model directory or file, without path and extension.
  public let name: String
  /// SHA-256 over the files in the order of their paths, or of a single file, 64 hexadecimal digits.
  public let hash: String
  /// Hash of the few-step student that was merged into the weights; nil if none was.
  public var fast: String?
  /// The LoRAs that were merged into the weights, in order.
  public var loras: [LoRASource] = []
  /// Layers at the end of the text encoder that were left out; nil if none was.
  public var clipSkip: Int?
  /// The meaning of the U-Net's output, where a caller chose it; nil is what the files say.
  public var prediction: Prediction?
  /// The autoencoder that took the place of the model's own; nil if none did.
  public var autoencoder: AutoencoderSource?

  /// An identity with a known hash, without student and LoRAs.
  public init(name: String, hash: String) {
    self.name = name
    self.hash = hash
  }

  /// Hashes the `.json` and `.safetensors` files of a model directory, without its few-step student, or of the directory
  /// of an autoencoder; of a single file its bytes, as other programs do.
  public init(model directory: URL) throws(CheckpointError) {
    if directory.pathExtension == "safetensors" {
      self.init(name: directory.deletingPathExtension().lastPathComponent, hash: try Self.hash(of: directory))
      return
    }
    guard
      FileManager.default.fileExists(atPath: directory.path + "/model_index.json")
        || ModelBundle.isAutoencoder(directory)
    else {
      throw .unreadable(
        file: directory.path, reason: "it is not a model directory: model_index.json is missing")
    }
    self.init(name: directory.standardizedFileURL.lastPathComponent, hash: try Self.hash(ofDirectory: directory))
  }

  /// SHA-256 over the `.json` and `.safetensors` files of a directory, in the order of their paths.
  fileprivate static func hash(ofDirectory directory: URL) throws(CheckpointError) -> String {
    let root = directory.standardizedFileURL.path
    let paths = (try? FileManager.default.subpathsOfDirectory(atPath: root)) ?? []
    var hash = SHA256()
    for path in paths.sorted() where path.hasSuffix(".json") || path.hasSuffix(".safetensors") {
      if path.hasPrefix("\(FastStudent.folderName)/") { continue }
      let file = URL(fileURLWithPath: root + "/" + path)
      var facts = stat()
      stat(file.path, &facts)
      Array("\(path)\n\(facts.st_size)\n".utf8).withUnsafeBytes { hash.update($0) }
      do throws(FileError) {
        try hash.update(file: file)
      } catch { throw .notRead(error) }
    }
    return hash.hexDigest()
  }
}

/// An autoencoder that took the place of a model's own.
public struct AutoencoderSource: Sendable, Codable, Equatable {
  /// Name of the file or directory, without path and extension.
  public let name: String
  /// SHA-256 of the file, or over the files of the directory, 64 hexadecimal digits.
  public let hash: String

  /// Hashes a file or directory.
  public init(_ url: URL) throws(CheckpointError) {
    name = url.deletingPathExtension().lastPathComponent
    hash =
      url.pathExtension == "safetensors" ? try ModelSource.hash(of: url) : try ModelSource.hash(ofDirectory: url)
  }
}

/// A LoRA file that was merged into a model.
public struct LoRASource: Sendable, Codable, Equatable {
  /// Name of the file, without path and extension.
  public let name: String
  /// Factor of the LoRA when it was merged.
  public let scale: Double
  /// SHA-256 of the file, 64 hexadecimal digits.
  public let hash: String

  /// Hashes a file.
  public init(file: URL, scale: Double) throws(CheckpointError) {
    (name, self.scale) = (file.deletingPathExtension().lastPathComponent, scale)
    hash = try ModelSource.hash(of: file)
  }
}

extension ModelSource {
  /// SHA-256 of the bytes of a file, 64 hexadecimal digits.
  fileprivate static func hash(of file: URL) throws(CheckpointError) -> String {
    do throws(FileError) {
      return try SHA256.hexDigest(file: file)
    } catch { throw .notRead(error) }
  }
}
