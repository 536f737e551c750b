import Diffusion
import Foundation
import Models
import NN
import Support
import Tokenizers
import Torch

// Writing a model as a directory that diffusers and Flux read.

extension StableDiffusionModel {
  /// The largest file of weights, that of diffusers: 10 GB.
  private static let shardBytes = 10_000_000_000

  /// Writes a directory in diffusers' layout; `model_index.json` comes last, so that an unfinished directory is no model.
  ///
  /// `files` are those that the model was read from, which say how it is sampled. Diffusers reads all formats but int8.
  /// Throws if a file cannot be written.
  public func save(
    to directory: URL, as format: Quantization = .float32, from files: StableDiffusionFiles
  ) throws(CheckpointError) {
    func folder(_ name: String) -> URL { directory.appendingPathComponent(name) }
    try unet.save(to: folder("unet"), as: format, maxShardBytes: Self.shardBytes)
    try autoencoder.save(to: folder("vae"), as: format, metadata: [:], maxShardBytes: Self.shardBytes)
    try prompts.encoder.save(to: folder("text_encoder"), as: format)
    do throws(FileError) {
      switch files {
      case .directory(let root):
        try Self.copy(root.appendingPathComponent("tokenizer"), to: folder("tokenizer"))
        // Without it transformers knows no length and diffusers stops.
        let config = folder("tokenizer/tokenizer_config.json")
        if !FileManager.default.fileExists(atPath: config.path) {
          let fields: JSONValue = [
            "model_max_length": .int(prompts.maxTokens), "tokenizer_class": "CLIPTokenizer",
          ]
          try AtomicFile.write(Array((fields.text + "\n").utf8), to: config)
        }
      case .file: try prompts.tokenizer.save(to: folder("tokenizer"))
      }
    } catch { throw .notWritten(error) }
    let scheduler = try files.schedulerFields(prediction: schedule.configuration.predictionType)
    try Self.write(scheduler, to: folder("scheduler/scheduler_config.json"))
    try Self.write(index(of: files, scheduler), to: folder("model_index.json"))
  }

  /// The parts with their libraries and classes; what Flux does not draw with is not part of the directory.
  private func index(of files: StableDiffusionFiles, _ scheduler: JSONValue) -> JSONValue {
    let none: JSONValue = [.null, .null]
    let entries: [(key: String, value: JSONValue)] = [
      ("feature_extractor", none), ("image_encoder", none), ("requires_safety_checker", false),
      ("safety_checker", none), ("scheduler", ["diffusers", scheduler["_class_name"] ?? "DDIMScheduler"]),
      ("text_encoder", ["transformers", .string(CLIPTextModel.className)]),
      ("tokenizer", ["transformers", "CLIPTokenizer"]), ("unet", ["diffusers", .string(UNet.className)]),
      ("vae", ["diffusers", .string(type(of: autoencoder).className)]),
    ]
    var className = StableDiffusionFiles.pipelines[0]
    if case .directory(let root) = files { className = StableDiffusionFiles.className(root) ?? className }
    return .object([("_class_name", .string(className))] + entries)
  }

  private static func copy(_ source: URL, to target: URL) throws(FileError) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: source.path)) ?? []
    try create(target)
    for name in names.sorted() where name.hasSuffix(".json") || name.hasSuffix(".txt") {
      let bytes = try FileSlice(path: source.appendingPathComponent(name).path).read(limit: 1 << 26)
      try AtomicFile.write(Array(bytes), to: target.appendingPathComponent(name))
    }
  }

  private static func write(_ fields: JSONValue, to file: URL) throws(CheckpointError) {
    do throws(FileError) {
      try create(file.deletingLastPathComponent())
      try AtomicFile.write(Array((fields.text + "\n").utf8), to: file)
    } catch { throw .notWritten(error) }
  }

  private static func create(_ folder: URL) throws(FileError) {
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch { throw FileError("create", folder.path, errno: EACCES) }
  }
}

extension StableDiffusionFiles {
  /// The fields of `scheduler_config.json`, all of them, with a prediction that a caller may have chosen.
  func schedulerFields(prediction: Prediction) throws(CheckpointError) -> JSONValue {
    var fields: [(key: String, value: JSONValue)]
    switch self {
    case .directory(let root):
      let file = root.appendingPathComponent("scheduler/scheduler_config.json")
      guard let bytes = try? FileSlice(path: file.path).read(limit: JSONFile.limit),
        let read = JSONValue(bytes)?.fields
      else { throw .configuration(file: file.path, reason: "it is not a JSON object") }
      fields = read
    case .file(_, let checkpoint):
      fields = checkpoint.scheduler.fields ?? []
      // Flux takes the timesteps of PNDM alone; the published models skip its first, slower steps.
      if checkpoint.scheduler["_class_name"]?.string == SchedulerClass.pndm.rawValue {
        if case .bool(true) = checkpoint.scheduler["rescale_betas_zero_snr"] ?? .null {
          fields.replace("_class_name", .string(SchedulerClass.ddim.rawValue))
        } else {
          fields.removeAll { $0.key == "rescale_betas_zero_snr" || $0.key == "clip_sample" }
          fields.replace("skip_prk_steps", true)
        }
      }
    }
    fields.replace("prediction_type", .string(prediction.rawValue))
    return .object(fields)
  }
}

extension [(key: String, value: JSONValue)] {
  fileprivate mutating func replace(_ key: String, _ value: JSONValue) {
    if let index = firstIndex(where: { $0.key == key }) { self[index].value = value } else { append((key, value)) }
  }
}
