import Diffusion
import Flux
import Foundation
import Models
import Support
import Tokenizers
import Torch

/// A model that the server offers.
public struct ServedModel: Sendable {
  /// Name of its directory, or of its file without the ending.
  public let name: String
  /// The directory or file.
  public let directory: URL
  /// SHA-256 of its files.
  public let hash: String
  /// The sizes of its networks.
  public let configuration: any ModelSizes
  /// How it is sampled by default.
  public let sampling: SamplingDefaults
  /// The tokenizer of its text encoder.
  public let tokenizer: any PromptTokenizer
  /// Its few-step student; nil if there is none.
  public let student: FastStudent?
  /// When its directory was changed, in seconds since 1970.
  public let created: Int

  /// Reads a model's configurations and hashes its files.
  public init(directory: URL, textEncoder: URL) throws {
    let source = try ModelSource(model: directory)
    (name, hash, self.directory) = (source.name, source.hash, directory)
    sampling = try SamplingDefaults(of: directory)
    if StableDiffusionFiles.isStored(at: directory) {
      let files = try StableDiffusionFiles(directory)
      configuration = try StableDiffusionModel.Configuration(files)
      tokenizer = try files.tokenizer(vocabulary: Installation.clipVocabulary)
    } else {
      configuration = try ModelBundle.Configuration(directory: directory)
      let own = try ModelBundle.ownTextEncoder(of: directory)
      tokenizer = try WordPieceTokenizer(vocabulary: (own ?? textEncoder).appendingPathComponent("vocab.txt"))
    }
    student = try? FastStudent(directory.appendingPathComponent(FastStudent.folderName), of: source)
    let attributes = try? FileManager.default.attributesOfItem(atPath: directory.path)
    created = Int((attributes?[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0)
  }

  /// The name with the beginning of the hash, as in AUTOMATIC1111's web UI.
  public var title: String { "\(name) [\(hash.prefix(10))]" }

  /// Side of a latent cell, in pixels.
  public var cell: Int { configuration.geometry.cell }

  /// Side of the images that it was trained for, in pixels.
  var imageSize: Int { configuration.geometry.imageSize }

  /// The tokens of a prompt.
  func tokens(of prompt: String) -> TokenEncoding {
    tokenizer.encode(prompt, maxLength: configuration.maxTokens)
  }
}

/// The models that the server offers; clients select them by name and never by path.
public struct ModelCatalog: Sendable {
  /// The models in the order of their names, the default first.
  public let models: [ServedModel]

  /// A catalog; the first model is the default.
  public init(_ models: [ServedModel]) {
    guard !models.isEmpty else { fatalError("a catalog has at least one model") }
    self.models = models
  }

  /// The model of requests that name none.
  public var standard: ServedModel { models[0] }

  /// Throws unless a decoder of previews is for all models of Stable Diffusion in the catalog, of which there must be one.
  public func checkPreviewDecoder(_ directory: URL) throws(CheckpointError) {
    let stable = models.compactMap { $0.configuration as? StableDiffusionModel.Configuration }
    if stable.isEmpty {
      try StableDiffusionModel.Options(previewDecoder: directory).requireNone(for: standard.directory)
    }
    for model in stable { try model.checkPreviewDecoder(directory) }
    try StableDiffusionModel.Configuration.checkSharedPreviewDecoder(directory, for: stable)
  }

  /// The model of a name, a title or at least 8 digits of a hash, in any case.
  public func find(_ name: String) -> ServedModel? {
    let wanted = name.lowercased()
    return models.first { $0.name.lowercased() == wanted || $0.title.lowercased() == wanted }
      ?? models.first { wanted.count >= 8 && $0.hash.hasPrefix(wanted) }
  }
}
