import Diffusion
import Foundation
import Models
import Support
import Torch

/// A model's few-step student: a LoRA of its U-Net with distilled guidance, in the folder `fast` of the model.
///
///     fast/config.json                           steps, settings of the teacher, and hash of the model
///     fast/pytorch_lora_weights.safetensors      the LoRA
public struct FastStudent: Sendable, Equatable {
  /// The contents of `config.json`.
  public struct Configuration: ModelConfiguration, Equatable {
    /// Number of DDIM steps, with trailing spacing; 1…1000.
    public var steps: Int
    /// The guidance of the teacher, which is distilled into the student.
    public var guidance: Guidance
    /// Number of teacher steps per student step, 1…1000.
    public var teacherSteps: Int
    /// `ModelSource.hash` of the model that the student belongs to.
    public var modelHash: String
    /// `PaletteDecoder.sharpness` for the student's images, 1e-3…1e4; nil is the model's own.
    public var sharpness: Double?

    /// A configuration with the given values; `validate` checks it.
    public init(steps: Int, guidance: Guidance, teacherSteps: Int, modelHash: String, sharpness: Double? = nil) {
      self.steps = steps
      self.guidance = guidance
      self.teacherSteps = teacherSteps
      self.modelHash = modelHash
      self.sharpness = sharpness
    }

    /// Throws if a value is out of range.
    public func validate() throws(ConfigurationError) {
      try require("steps", steps, in: 1...1000)
      try require("teacher_steps", teacherSteps, in: 1...1000)
      try require("guidance.scale", guidance.scale, in: -1000...1000)
      try require("guidance.rescale", guidance.rescale, in: 0...1)
      if let sharpness { try require("sharpness", sharpness, in: Autoencoder.Palette.sharpnessRange) }
    }
  }

  /// The folder's name in a model directory.
  public static let folderName = "fast"

  /// The settings in the student's folder.
  public let configuration: Configuration
  /// SHA-256 of the LoRA file, 64 hexadecimal digits.
  public let hash: String
  private let file: URL
  private let config: URL

  /// Reads a student's folder; throws if it belongs to another model.
  public init(_ folder: URL, of model: ModelSource) throws {
    config = folder.appendingPathComponent("config.json")
    guard FileManager.default.fileExists(atPath: config.path) else {
      throw FastStudentError.missing(model: model.name)
    }
    configuration = try JSONFile.read(config)
    guard configuration.modelHash == model.hash else {
      throw FastStudentError.other(folder: folder.path, model: model, wanted: configuration.modelHash)
    }
    file = folder.appendingPathComponent(LoRA.fileName)
    hash = try LoRASource(file: file, scale: 1).hash
  }

  /// Merges the student into the weights of its model, whose decoder gets the student's sharpness.
  ///
  /// Throws if the LoRA does not fit, or if there is a sharpness but no palette decoder.
  public func merge(into model: ModelBundle) throws(CheckpointError) {
    try LoRA.load(file, for: model.unet).merge(into: model.unet)
    guard let sharpness = configuration.sharpness else { return }
    guard let decoder = model.autoencoder.decoder as? PaletteDecoder else {
      throw .configuration(file: config.path, reason: "sharpness is \(sharpness), but the model has no palette decoder")
    }
    decoder.sharpness = sharpness
  }

  /// Writes the same student for a model that has the same weights in another storage.
  public func copy(to folder: URL, for model: ModelSource) throws {
    let lora = try FileSlice(path: file.path).read()
    var configuration = configuration
    configuration.modelHash = model.hash
    try AtomicFolder.write(folder) { url in
      try AtomicFile.write(lora, to: url.appendingPathComponent(LoRA.fileName))
      try JSONFile.write(configuration, to: url.appendingPathComponent("config.json"))
    }
  }

  /// A request with the student's settings: its number of DDIM steps, and no guidance.
  public func request(_ request: GenerationRequest) -> GenerationRequest {
    var fast = request
    (fast.steps, fast.sampler, fast.spacing, fast.eta) = (configuration.steps, .ddim, .trailing, 0)
    (fast.guidance, fast.negativePrompt) = (Guidance(scale: 1), "")
    return fast
  }

  /// Writes a student and replaces an older one; the folder is written atomically.
  public static func save(_ lora: LoRA, _ configuration: Configuration, to folder: URL) throws {
    try AtomicFolder.write(folder) { url in
      try lora.save(to: url.appendingPathComponent(LoRA.fileName))
      try JSONFile.write(configuration, to: url.appendingPathComponent("config.json"))
    }
  }
}

/// An error with a few-step student.
public enum FastStudentError: Error, CustomStringConvertible, Sendable, Equatable {
  /// The model has no folder `fast`.
  case missing(model: String)
  /// The folder's student was distilled from another model, whose hash is `wanted`.
  case other(folder: String, model: ModelSource, wanted: String)

  public var description: String {
    switch self {
    case .missing(let model):
      "the model \(model) has no few-step student: train one with flux distill --install"
    case .other(let folder, let model, let wanted):
      "\(folder) is the student of a model with hash \(wanted.prefix(10)); \(model.name) has \(model.hash.prefix(10)):"
        + " train one for it with flux distill"
    }
  }
}
