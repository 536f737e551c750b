import Diffusion
import Foundation
import Models
import NN
import Support
import Tokenizers
import Torch

/// All networks of a text-to-image model together, and the directory that they live in (diffusers' layout).
///
///     model_index.json     what this is
///     unet/  autoencoder/  text_adapter/       config.json beside safetensors
///     scheduler/scheduler_config.json
///     text_encoder/        only if it was finetuned: config.json, model.safetensors, vocab.txt, …
///
/// The pretrained text encoder is not part of it: if it is frozen, set-up fetches it once for all models.
public final class ModelBundle {
  /// The sizes of a model's own networks.
  public struct Configuration: Sendable, Equatable {
    /// The sizes of the autoencoder.
    public var autoencoder: Autoencoder.Configuration
    /// The sizes of the text adapter.
    public var adapter: TextAdapter.Configuration
    /// The sizes of the U-Net.
    public var unet: UNet.Configuration
    /// The noise schedule and the prediction type.
    public var schedule: Schedule.Configuration
    /// Side of the images that the model was trained for, in pixels.
    public var imageSize: Int

    /// A configuration of the given parts; whether they fit together is not checked.
    public init(
      autoencoder: Autoencoder.Configuration, adapter: TextAdapter.Configuration, unet: UNet.Configuration,
      schedule: Schedule.Configuration, imageSize: Int
    ) {
      self.autoencoder = autoencoder
      self.adapter = adapter
      self.unet = unet
      self.schedule = schedule
      self.imageSize = imageSize
    }

    /// Side of the latent, in cells.
    public var latentSize: Int { imageSize / autoencoder.downsample }
  }

  /// The scenes that a model learned: the name of their world and the version of their renderer.
  public struct Scenes: Sendable, Codable, Equatable {
    /// Name of the world: `small`, `medium` or `full`.
    public var world: String
    /// Version of the renderer, 1…1000.
    public var version: Int

    /// Scenes of a world, as a version of the renderer draws them.
    public init(world: String, version: Int) {
      (self.world, self.version) = (world, version)
    }
  }

  /// The sizes that the networks were built with.
  public let configuration: Configuration
  /// The scenes that it learned, as its directory says; nil for models of other images and those from before version 2.
  public var scenes: Scenes?
  /// How it is sampled by default, as its directory says; nil is `SamplingDefaults.standard`.
  public var sampling: SamplingDefaults?
  /// Images to latents and back.
  public let autoencoder: Autoencoder
  /// Text encoder states to the U-Net's context.
  public let adapter: TextAdapter
  /// The denoising network.
  public let unet: UNet
  /// The model's own tokenizer and text encoder; nil if it was trained with the shared one.
  public var prompts: PromptEncoder?
  /// The noise schedule that the U-Net was trained with.
  public let schedule: Schedule

  /// A new model; with `.random` the U-Net's residual branches start silent.
  ///
  /// `autoencoder` takes the place of a new one and must have the sizes of the configuration.
  public init(_ configuration: Configuration, _ initial: Initializer, autoencoder: Autoencoder? = nil) {
    self.configuration = configuration
    self.autoencoder = autoencoder ?? Autoencoder(configuration.autoencoder, initial)
    adapter = TextAdapter(configuration.adapter, initial)
    unet = UNet(configuration.unet, initial)
    schedule = Schedule(configuration.schedule)
    if case .random = initial { unet.zeroResidualBranches() }
  }

  /// Reads a model directory; with `precision` the U-Net computes in it and is packed, and only draws.
  public init(directory: URL, preparedFor precision: Precision? = nil) throws(CheckpointError) {
    let (indexFile, schedulerFile) = (Self.indexFile(directory), Self.schedulerFile(directory))
    guard !PixelModel.isStored(in: directory) else {
      throw .configuration(
        file: indexFile.path,
        reason: "this is a model of the pixel-space example, which only flux generate reads (docs/example.md)")
    }
    try Self.refuseOthers(directory)
    let index: Index
    let scheduler: Schedule.Configuration
    do throws(JSONFileError) {
      (index, scheduler) = (try JSONFile.read(indexFile), try JSONFile.read(schedulerFile))
    } catch { throw CheckpointError(error) }
    autoencoder = try Autoencoder.load(from: directory.appendingPathComponent("autoencoder"))
    adapter = try TextAdapter.load(from: directory.appendingPathComponent("text_adapter"))
    unet = try UNet.load(
      from: directory.appendingPathComponent("unet"), as: (precision ?? .float32).dtype, preparing: precision != nil)
    configuration = Configuration(
      autoencoder: autoencoder.configuration, adapter: adapter.configuration, unet: unet.configuration,
      schedule: scheduler, imageSize: index.imageSize)
    if let own = Self.ownTextEncoder(index, directory) {
      do {
        prompts = try PromptEncoder(directory: own)
      } catch let error as CheckpointError { throw error } catch {
        throw .configuration(file: own.path, reason: "\(error)")
      }
    }
    (scenes, sampling) = (index.scenes, index.sampling)
    schedule = Schedule(scheduler)
    let cell = configuration.autoencoder.downsample
    do throws(ConfigurationError) {
      try index.require("image_size", index.imageSize, multipleOf: cell, "the autoencoder's cell")
    } catch { throw .configuration(file: indexFile.path, reason: error.description) }
    if let problem = Self.mismatch(configuration) {
      throw .configuration(file: directory.path, reason: problem)
    }
  }

  /// The U-Net's prediction for noisy latents `[B, C, h, w]` at timesteps `[B]` (float, 0…999), with one text each.
  public func predict(_ latents: Tensor, at timesteps: Tensor, _ text: TextConditioning) -> Tensor {
    unet(latents, at: timesteps, text)
  }

  /// Moves all networks to a device, in place.
  public func move(to device: Device) {
    guard device != .cpu else { return }
    for part in [autoencoder, adapter, unet] as [any Module] { part.move(to: device) }
    prompts?.move(to: device)
  }

  /// Throws for a model of another family.
  static func refuseOthers(_ url: URL) throws(CheckpointError) {
    guard StableDiffusionFiles.isStored(at: url) else { return }
    throw .configuration(
      file: url.path,
      reason: "it is a model of Stable Diffusion, which flux generate and flux draw read; this needs one of Flux's own")
  }

  /// The directory of a model's own text encoder; nil if the model uses the shared one.
  public static func ownTextEncoder(of directory: URL) throws(CheckpointError) -> URL? {
    try refuseOthers(directory)
    do throws(JSONFileError) {
      return ownTextEncoder(try JSONFile.read(indexFile(directory)), directory)
    } catch { throw CheckpointError(error) }
  }

  private static func ownTextEncoder(_ index: Index, _ directory: URL) -> URL? {
    index.textEncoder.map { _ in directory.appendingPathComponent("text_encoder") }
  }

  /// Writes a model directory; `model_index.json` comes last, so that an unfinished directory is not taken for a model.
  public func save(to directory: URL, as format: Quantization = .float32) throws(CheckpointError) {
    try autoencoder.save(to: directory.appendingPathComponent("autoencoder"), as: format)
    try adapter.save(to: directory.appendingPathComponent("text_adapter"), as: format)
    try unet.save(to: directory.appendingPathComponent("unet"), as: format)
    try prompts?.save(to: directory.appendingPathComponent("text_encoder"), as: format)
    let folder = directory.appendingPathComponent("scheduler")
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch { throw .unreadable(file: folder.path, reason: "the folder cannot be created") }
    do throws(FileError) {
      try JSONFile.write(configuration.schedule, className: "DDPMScheduler", to: Self.schedulerFile(directory))
      try JSONFile.write(
        Index(
          imageSize: configuration.imageSize, scenes: scenes, sampling: sampling,
          textEncoder: prompts.map { _ in Index.bert }),
        className: "FluxPipeline",
        to: Self.indexFile(directory))
    } catch { throw .notWritten(error) }
  }

  /// How the model of a directory is sampled by default.
  public static func samplingDefaults(_ directory: URL) throws(CheckpointError) -> SamplingDefaults {
    do throws(JSONFileError) {
      let index: Index = try JSONFile.read(indexFile(directory))
      return index.sampling ?? .standard
    } catch { throw CheckpointError(error) }
  }

  private static func indexFile(_ directory: URL) -> URL { directory.appendingPathComponent("model_index.json") }
  private static func schedulerFile(_ directory: URL) -> URL {
    directory.appendingPathComponent("scheduler/scheduler_config.json")
  }

  private struct Index: ModelConfiguration {
    var imageSize: Int
    var scenes: Scenes?
    var sampling: SamplingDefaults?
    var textEncoder: [String]?  // library and class, as in diffusers

    static let bert = ["transformers", TextEncoder.className]

    func validate() throws(ConfigurationError) {
      if let textEncoder, textEncoder != Self.bert {
        throw ConfigurationError("text_encoder", "\(textEncoder)", expected: "\(Self.bert), or none")
      }
      try require("image_size", imageSize, in: ConfigurationLimit.imageSide)
      if let scenes { try require("scenes.version", scenes.version, in: 1...1000) }
      try sampling?.validate()
    }
  }

  /// What does not fit between the parts, or nil.
  private static func mismatch(_ c: Configuration) -> String? {
    if c.unet.inChannels != c.autoencoder.latentChannels {
      return
        "the U-Net reads \(c.unet.inChannels) channels, the autoencoder makes \(c.autoencoder.latentChannels)"
    }
    if c.unet.crossAttentionDim != c.adapter.width {
      return
        "the U-Net reads a context \(c.unet.crossAttentionDim) wide, the adapter makes \(c.adapter.width)"
    }
    if c.unet.outChannels != c.unet.inChannels {
      return "the U-Net reads \(c.unet.inChannels) channels and makes \(c.unet.outChannels)"
    }
    // Without padding a level halves a side of one cell to nothing, and people may ask for such images.
    if c.unet.downsamplePadding == 0 { return "unet/config.json: downsample_padding is 0, expected 1 in a model" }
    if c.unet.classEmbedType != nil, c.unet.projectionClassEmbeddingsInputDim != c.adapter.width {
      return "the U-Net reads a pooled text \(c.unet.projectionClassEmbeddingsInputDim ?? 0) wide, "
        + "the adapter makes \(c.adapter.width)"
    }
    return nil
  }
}
