import Diffusion
import Foundation
import Models
import NN
import Support
import Tokenizers
import Torch

/// Where the parts of a model of the Stable Diffusion family are: a directory in diffusers' layout, or a single file.
public enum StableDiffusionFiles {
  /// A directory with `model_index.json` and a folder for each part.
  case directory(URL)
  /// A `.safetensors` file in the original layout, which has no tokenizer.
  case file(URL, SingleFileCheckpoint)

  /// The pipelines of diffusers whose directories are read.
  static let pipelines = [
    "StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline", "StableDiffusionInpaintPipeline",
    "LatentConsistencyModelPipeline", "LatentConsistencyModelImg2ImgPipeline",
    "StableDiffusionXLPipeline", "StableDiffusionXLImg2ImgPipeline", "StableDiffusionXLInpaintPipeline",
  ]

  /// Whether a path is one of a model of this family: a `.safetensors` file, or a directory whose index names a pipeline.
  public static func isStored(at url: URL) -> Bool {
    url.pathExtension == "safetensors" || pipelines.contains(className(url) ?? "")
  }

  /// Why a path is no model that Flux reads, where its name or its index says so; nil where they do not.
  public static func refusal(of url: URL) -> String? {
    switch url.pathExtension.lowercased() {
    case "ckpt", "pt", "pth", "bin": return SafetensorsFile.adviceAboutPickles
    case "gguf": return "it is a GGUF file; Flux reads .safetensors"
    default: break
    }
    guard let name = className(url) else { return nil }
    let hasTransformer = FileManager.default.fileExists(atPath: url.appendingPathComponent("transformer").path)
    // Flux's own models have the name of this class, too.
    if name == "FluxPipeline" { return hasTransformer ? "it is a model of FLUX.1, which Flux does not draw with" : nil }
    if case .bool(true) = indexEntry("requires_aesthetics_score", url) {
      return "it is the refiner of Stable Diffusion XL, which Flux does not draw with: use the base model"
    }
    if pipelines.contains(name) || name == PixelModel.className { return nil }
    return "it is a model of diffusers' \(name), which Flux does not draw with"
  }

  /// The class that `model_index.json` names; nil without one.
  static func className(_ directory: URL) -> String? {
    JSONFile.className(directory.appendingPathComponent("model_index.json"))
  }

  private static func indexEntry(_ key: String, _ directory: URL) -> JSONValue? {
    (try? Data(contentsOf: directory.appendingPathComponent("model_index.json"))).flatMap { JSONValue($0) }?[key]
  }

  /// Opens a file by its header, or a directory.
  public init(_ url: URL) throws(CheckpointError) {
    self = url.pathExtension == "safetensors" ? .file(url, try SingleFileCheckpoint(url)) : .directory(url)
  }

  func unetConfiguration() throws(CheckpointError) -> UNet.Configuration {
    switch self {
    case .directory(let root): try UNet.readConfiguration(root.appendingPathComponent("unet"))
    case .file(_, let checkpoint): try UNet.readConfiguration(checkpoint.unet)
    }
  }

  /// The denoising network with its weights, which get the type of a precision.
  public func unet(_ precision: Precision = .float32) throws(CheckpointError) -> UNet {
    try storedUNet().filled(as: precision.dtype)
  }

  /// The denoising network, whose weights are not read yet.
  func storedUNet() throws(CheckpointError) -> StoredNetwork<UNet> {
    switch self {
    case .directory(let root): try StoredNetwork(root.appendingPathComponent("unet"))
    case .file(_, let checkpoint): try StoredNetwork(checkpoint.unet)
    }
  }

  /// An autoencoder of either kind, and the place of its weights.
  typealias StoredAutoencoder = (network: any StableAutoencoder, weights: any StoredWeights)

  /// The autoencoder, or another one: a file of its own, or a directory of diffusers.
  func storedAutoencoder(other: URL?) throws(CheckpointError) -> StoredAutoencoder {
    switch try autoencoderPlace(other: other) {
    case .part(let part):
      let stored = try StoredNetwork<AutoencoderKL>(part)
      return (stored.network, stored)
    case .folder(let folder, isTiny: true):
      let stored = try StoredNetwork<AutoencoderTiny>(folder)
      return (stored.network, stored)
    case .folder(let folder, isTiny: false):
      let stored = try StoredNetwork<AutoencoderKL>(folder)
      return (stored.network, stored)
    }
  }

  /// The text encoder, or the second one of Stable Diffusion XL.
  func storedTextEncoder(isSecond: Bool = false) throws(CheckpointError) -> StoredNetwork<CLIPTextModel> {
    switch self {
    case .directory(let root):
      return try StoredNetwork(root.appendingPathComponent(isSecond ? "text_encoder_2" : "text_encoder"))
    case .file(_, let checkpoint):
      let part = isSecond ? checkpoint.textEncoder2 : checkpoint.textEncoder
      return try StoredNetwork(
        Self.part(part, isSecond ? "second text encoder" : "text encoder", of: checkpoint))
    }
  }

  /// The tokenizer: that of the directory, or the vocabulary of CLIP in `vocabulary`, which single files lack.
  ///
  /// Stable Diffusion 2 pads with `!`, the others with the end token.
  public func tokenizer(vocabulary: URL) throws -> CLIPTokenizer {
    let padsWithPoint = if case .file(_, let checkpoint) = self { checkpoint.family == .stable2 } else { false }
    return try tokenizer("tokenizer", vocabulary, pad: padsWithPoint ? Self.exclamation : nil)
  }

  /// The tokenizer of the second text encoder, which pads with `!`.
  func secondTokenizer(vocabulary: URL) throws -> CLIPTokenizer {
    try tokenizer("tokenizer_2", vocabulary, pad: Self.exclamation)
  }

  /// The piece that OpenCLIP's models are padded with; its id is 0.
  private static let exclamation = "!"

  /// `pad` is used with the shared vocabulary alone: other files say how they pad.
  private func tokenizer(_ name: String, _ vocabulary: URL, pad: String?) throws -> CLIPTokenizer {
    switch self {
    case .directory(let root): return try CLIPTokenizer(directory: root.appendingPathComponent(name))
    case .file(let url, _):
      let beside = url.deletingLastPathComponent().appendingPathComponent(name)
      if FileManager.default.fileExists(atPath: beside.path) { return try CLIPTokenizer(directory: beside) }
      guard FileManager.default.fileExists(atPath: vocabulary.path) else {
        throw CheckpointError.unreadable(
          file: url.path,
          reason:
            "single files lack the vocabulary of CLIP: run Scripts/setup clip in Flux's folder, which fetches it into "
            + "\(vocabulary.path), or put a folder \(name) with vocab.json and merges.txt beside the file")
      }
      return try CLIPTokenizer(directory: vocabulary, pad: pad)
    }
  }

  /// Whether an empty negative prompt of Stable Diffusion XL is zeros: what the index says, or as its base model.
  var zeroesEmptyNegative: Bool {
    guard case .directory(let root) = self,
      case .bool(let value) = Self.indexEntry("force_zeros_for_empty_prompt", root)
    else { return true }
    return value
  }

  /// The noise schedule and how the model is sampled; `prediction` replaces what the files say.
  func schedule(prediction: Prediction?) throws(CheckpointError) -> Schedule.Configuration {
    var schedule: Schedule.Configuration
    do throws(JSONFileError) {
      switch self {
      case .directory(let root):
        schedule = try JSONFile.read(root.appendingPathComponent("scheduler/scheduler_config.json"))
      case .file(_, let checkpoint): schedule = try JSONFile.read(checkpoint.scheduler, of: checkpoint.path)
      }
    } catch { throw CheckpointError(error) }
    if let prediction { schedule.predictionType = prediction }
    return schedule
  }

  /// Path of the directory or file, for messages.
  var path: String {
    switch self {
    case .directory(let url), .file(let url, _): url.path
    }
  }

  static func part(
    _ part: CheckpointPart?, _ name: String, of checkpoint: SingleFileCheckpoint
  ) throws(CheckpointError) -> CheckpointPart {
    guard let part else {
      throw .configuration(
        file: checkpoint.path, reason: "it has a U-Net, but no \(name): use a file with the whole model")
    }
    return part
  }
}
