import Diffusion
import Foundation
import Models
import Support
import Torch

/// What a model directory or file holds, read from its configurations and the headers of its weights.
public struct ModelSummary: Sendable {
  /// One network.
  public struct Network: Sendable {
    /// Name of its folder; `.` for an autoencoder alone.
    public let name: String
    /// Name of its class in `config.json`.
    public let className: String
    /// Number of parameters.
    public let parameters: Int
    /// Size of its weights, in bytes.
    public let bytes: Int
    /// Data type of most of its weights.
    public let type: String
  }

  /// Its name, without path and extension.
  public let name: String
  /// The directory or file.
  public let directory: URL
  /// The family of models that it belongs to, such as `Stable Diffusion 1`.
  public let family: String
  /// Side of its images, in pixels; nil for an autoencoder alone.
  public let imageSize: Int?
  /// Channels, rows and columns of the latents; nil if the directory has no autoencoder.
  public let latent: [Int]?
  /// The scenes that it learned; nil if they are unknown.
  public let scenes: ModelBundle.Scenes?
  /// The license that the directory states; nil without one.
  public let license: String?
  /// How it predicts, such as `v_prediction`; nil for an autoencoder alone.
  public let prediction: String?
  /// The noise schedule of a model of Stable Diffusion's family; nil for Flux's own.
  public let schedule: Schedule.Configuration?
  /// How it is sampled by default; nil for an autoencoder alone.
  public let sampling: SamplingDefaults?
  /// The tensors of a single file that no network uses.
  public let unused: [String]
  /// Steps of its few-step student; nil without one.
  public let fastSteps: Int?
  /// Its networks, by folder.
  public let networks: [Network]
  /// The size of all its files, in bytes.
  public let bytes: Int

  /// Reads a model, or the directory of an autoencoder alone; throws where it is neither, or a file is damaged.
  public init(_ directory: URL) throws(CheckpointError) {
    if StableDiffusionFiles.isStored(at: directory) {
      try self.init(StableDiffusionFiles(directory), at: directory)
    } else {
      try self.init(own: directory)
    }
  }

  /// Summary of a model of Flux's own family.
  private init(own directory: URL) throws(CheckpointError) {
    self.directory = directory
    name = directory.standardizedFileURL.lastPathComponent
    let isPart = ModelBundle.isAutoencoder(directory)
    guard isPart || FileManager.default.fileExists(atPath: directory.path + "/model_index.json") else {
      throw .unreadable(file: directory.path, reason: "it is not a model directory: model_index.json is missing")
    }
    (family, schedule, unused) = ("Flux", nil, [])
    sampling = isPart || PixelModel.isStored(in: directory) ? nil : try? ModelBundle.samplingDefaults(directory)
    let card = ModelCard(directory)
    license = card.license
    let folders = ["unet", "autoencoder", "text_adapter", "text_encoder"].filter {
      FileManager.default.fileExists(atPath: directory.appendingPathComponent("\($0)/config.json").path)
    }
    var networks: [Network] = []
    for name in isPart ? ["."] : folders {
      networks.append(try Network(name, directory.appendingPathComponent(name)))
    }
    self.networks = networks
    let index = Self.object(directory.appendingPathComponent("model_index.json"))
    imageSize =
      index?["image_size"]?.int
      ?? Self.object(directory.appendingPathComponent("unet/config.json"))
      .flatMap { isPart ? nil : $0["sample_size"]?.int }
    scenes =
      index?["scenes"].flatMap { scenes in
        guard let world = scenes["world"]?.string, let version = scenes["version"]?.int else { return nil }
        return ModelBundle.Scenes(world: world, version: version)
      } ?? card.world.map { ModelBundle.Scenes(world: $0, version: 1) }
    prediction =
      Self.object(directory.appendingPathComponent("scheduler/scheduler_config.json"))?["prediction_type"]?
      .string
    fastSteps = Self.object(directory.appendingPathComponent("\(FastStudent.folderName)/config.json"))?["steps"]?.int
    let folder = isPart ? directory : directory.appendingPathComponent("autoencoder")
    if let autoencoder = try? Autoencoder.readConfiguration(folder) {
      let side = (imageSize ?? autoencoder.downsample) / autoencoder.downsample
      latent = imageSize == nil ? [autoencoder.latentChannels] : [autoencoder.latentChannels, side, side]
    } else {
      latent = nil
    }
    bytes = Self.size(of: directory)
  }

  /// Its name and the hash of its weights, which are read for it.
  public func source() throws(CheckpointError) -> ModelSource { try ModelSource(model: directory) }

  /// The size of all files below a directory, in bytes.
  public static func size(of directory: URL) -> Int {
    let paths = (try? FileManager.default.subpathsOfDirectory(atPath: directory.path)) ?? []
    return paths.reduce(0) { sum, path in
      let facts = FileSlice(path: directory.appendingPathComponent(path).path).facts
      return sum + (facts.map { $0.st_mode & S_IFMT == S_IFREG ? Int($0.st_size) : 0 } ?? 0)
    }
  }

  static func object(_ url: URL) -> JSONValue? {
    (try? FileSlice(path: url.path).read(limit: JSONFile.limit)).flatMap { JSONValue($0) }
  }
}

extension ModelSummary.Network {
  /// A network in a folder of its own.
  init(_ name: String, _ folder: URL) throws(CheckpointError) {
    let isText = name.hasPrefix("text_encoder")
    let weights = try WeightSet(folder, name: isText ? TextEncoder.weightsName : UNet.weightsName)
    let config = folder.appendingPathComponent("config.json")
    // transformers names the class in a list.
    let listed = ModelSummary.object(config)?["architectures"]?.array?.first?.string
    self.init(name, JSONFile.className(config) ?? listed ?? "", weights)
  }

  /// A network with the weights of a source.
  init(_ name: String, _ className: String, _ weights: any WeightSource) {
    (self.name, self.className) = (name, className)
    var (types, parameters, bytes): ([String: Int], Int, Int) = ([:], 0, 0)
    for key in weights.keys {
      guard let info = weights.info(key) else { continue }
      let count = info.shape.reduce(1, *)
      bytes += count * (info.dtype?.size ?? 1)
      guard !Quantization.isScale(key, in: weights) else { continue }
      // Four bits are stored as pairs in uint8.
      let isPaired = info.dtype == .uint8
      parameters += isPaired ? 2 * count : count
      types[isPaired ? Quantization.int4.rawValue : info.dtype?.rawValue ?? "unknown", default: 0] += count
    }
    (self.parameters, self.bytes) = (parameters, bytes)
    type = types.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key ?? ""
  }
}

/// The model card of a directory: `README.md` with a table of facts at its head, as on model hubs.
///
///     ---
///     license: apache-2.0
///     world: small
///     ---
struct ModelCard {
  /// The license by its short name, such as `apache-2.0`.
  private(set) var license: String?
  /// The world of Scenes that the model learned.
  private(set) var world: String?

  /// Reads a directory's card; without one everything is nil.
  init(_ directory: URL) {
    let file = directory.appendingPathComponent("README.md").path
    guard let bytes = try? FileSlice(path: file).read(limit: JSONFile.limit) else { return }
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    guard lines.first == "---" else { return }
    for line in lines.dropFirst().prefix(while: { $0 != "---" }) {
      let parts = line.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
      guard parts.count == 2 else { continue }
      if parts[0] == "license" { license = parts[1] }
      if parts[0] == "world" { world = parts[1] }
    }
  }
}
