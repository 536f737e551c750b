import ArgumentParser
import Flux
import Foundation
import Support

/// The option that takes all settings from an image.
struct ReplayOptions: ParsableArguments {
  @Option(
    help: """
      Take all settings from the metadata of this image, model and LoRAs included; further options change them.
      """, completion: Completions.images)
  var replay: FilePath?

  /// The settings of the image; nil without the option.
  func read() throws -> Replay? { try replay.map { file in try Replay(file) } }
}

/// The settings of an image that is to be drawn again.
struct Replay {
  /// The image.
  let file: FilePath
  /// Its settings.
  let request: GenerationRequest
  /// Whether the few-step student drew it.
  let isFast: Bool
  /// Sentences about settings that Flux does not have.
  let notes: [String]
  /// What the image's metadata says.
  let metadata: ImageMetadata
  /// Its LoRAs, with their hashes or the first digits of them.
  private let loras: [(name: String, scale: Double, hash: String)]

  /// The CPU threads that it was drawn with, of those that this machine has; nil if that is not known.
  ///
  /// Last bits depend on their number.
  var threads: Int? {
    metadata.record?.run.map { max(1, min($0.threads, ProcessInfo.processInfo.activeProcessorCount)) }
  }

  /// The precision that it was drawn in.
  var precision: Precision { metadata.record?.run?.precision ?? .float32 }

  /// Reads an image; throws if it has no known metadata.
  init(_ file: FilePath) throws {
    let bytes = try FileSlice(path: file.path).read(limit: 1 << 30)
    guard let metadata = ImageMetadata(file: bytes) else {
      throw Failure("\(file.text) has no metadata of a known program, so there are no settings to take", code: 5)
    }
    self.init(file, metadata)
  }

  /// The settings in the metadata of an image.
  init(_ file: FilePath, _ metadata: ImageMetadata) {
    (self.file, self.metadata) = (file, metadata)
    (request, notes) = metadata.request()
    if let model = metadata.record?.model {
      isFast = model.fast != nil
      loras = model.loras.map { ($0.name, $0.scale, $0.hash) }
    } else {
      isFast = metadata.program == .flux && metadata[field: "Fast"] != nil
      let field = metadata.program == .flux ? metadata[field: "LoRA"] ?? "" : ""
      loras = field.components(separatedBy: ", ").compactMap { text in
        let parts = text.split(separator: ":")  // NAME:SCALE:HASH, where a name may have colons
        guard parts.count >= 3, let scale = Double(parts[parts.count - 2]) else { return nil }
        return (parts.dropLast(2).joined(separator: ":"), scale, String(parts[parts.count - 1]))
      }
    }
  }

  /// The model with the image's hash, installed or near the image, else that of its name, else the default model, with sentences about a difference.
  func model() throws(Failure) -> (directory: URL, notes: [String]) {
    guard metadata.program == .flux, let name = metadata.model else { return (try Home.model(nil), []) }
    if let hash = metadata.modelHash, let directory = InstalledModels.directory(hash: hash, named: name, nearby: nearby)
    {
      return (directory, [])
    }
    guard let directory = InstalledModels.directory(named: name) else {
      throw Failure("the model \"\(name)\" of \(file.text) is not installed: give its directory or file with --model")
    }
    return (
      directory, ["the model \"\(name)\" has other weights than when \(file.text) was drawn: the image will differ"]
    )
  }

  /// The files of the image's LoRAs: among those given, in the working folder, beside the image, or installed.
  func loraFiles(among given: [FilePath] = []) throws(Failure) -> [(file: FilePath, scale: Double)] {
    try loras.map { lora throws(Failure) in
      let near = nearby.map { $0.appendingPathComponent("\(lora.name).safetensors") }
      let installed = InstalledModels.loras()
      let candidates =
        given.map(\.url) + near + installed.filter { $0.name == lora.name }.map(\.file)
        + installed.filter { $0.name != lora.name }.map(\.file)
      let found = candidates.first { file in
        FileManager.default.fileExists(atPath: file.path)
          && InstalledModels.isHash(lora.hash, of: try? LoRASource(file: file, scale: 1).hash)
      }
      guard let found else {
        throw Failure("the LoRA \"\(lora.name)\" of \(file.text) is not found: give its file with --lora")
      }
      return (FilePath(found.path), lora.scale)
    }
  }
}
