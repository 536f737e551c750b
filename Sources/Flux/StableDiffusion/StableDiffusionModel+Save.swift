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
    for (index, part) in prompts.parts.enumerated() {
      let suffix = Self.suffix(index)
      try part.encoder.save(to: folder("text_encoder\(suffix)"), as: format)
      let tokenizer = "tokenizer\(suffix)"
      do throws(FileError) {
        switch files {
        case .directory(let root):
          try Self.copyTokenizer(
            root.appendingPathComponent(tokenizer), to: folder(tokenizer), length: prompts.maxTokens)
        case .file: try part.tokenizer.save(to: folder(tokenizer))
        }
      } catch { throw .notWritten(error) }
    }
    let scheduler = try files.schedulerFields(prediction: schedule.configuration.predictionType)
    try Self.write(scheduler, to: folder("scheduler/scheduler_config.json"))
    try Self.write(index(of: files, scheduler), to: folder("model_index.json"))
  }

  /// What follows the names of a part's folders: the first of several has none.
  private static func suffix(_ index: Int) -> String { index == 0 ? "" : "_\(index + 1)" }

  /// The parts with their libraries and classes; what Flux does not draw with is not part of the directory.
  private func index(of files: StableDiffusionFiles, _ scheduler: JSONValue) -> JSONValue {
    let none: JSONValue = [.null, .null]
    var entries: [(key: String, value: JSONValue)] = [
      ("_class_name", .string(className(of: files))), ("feature_extractor", none), ("image_encoder", none),
      ("scheduler", ["diffusers", scheduler["_class_name"] ?? "DDIMScheduler"]),
      ("unet", ["diffusers", .string(UNet.className)]),
      ("vae", ["diffusers", .string(type(of: autoencoder).className)]),
    ]
    for (index, part) in prompts.parts.enumerated() {
      let architecture: CLIPTextModel.Configuration.Architecture =
        part.encoder.configuration.isProjected ? .projected : .plain
      entries.append(("text_encoder\(Self.suffix(index))", ["transformers", .string(architecture.rawValue)]))
      entries.append(("tokenizer\(Self.suffix(index))", ["transformers", "CLIPTokenizer"]))
    }
    if let xl = prompts as? XLPrompts {
      entries.append(("force_zeros_for_empty_prompt", .bool(xl.zeroesEmptyNegative)))
    } else {
      entries += [("requires_safety_checker", false), ("safety_checker", none)]
    }
    return .object(entries.sorted { $0.key < $1.key })
  }

  /// The pipeline of diffusers: that of a directory, or for a file that of its family and its U-Net's channels.
  private func className(of files: StableDiffusionFiles) -> String {
    if case .directory(let root) = files, let name = StableDiffusionFiles.className(root) { return name }
    let family = prompts is XLPrompts ? "StableDiffusionXL" : "StableDiffusion"
    let isInpainting = unet.configuration.inChannels != unet.configuration.outChannels
    return family + (isInpainting ? "InpaintPipeline" : "Pipeline")
  }

  /// Copies a tokenizer's files, with the length that transformers needs if they do not say it.
  private static func copyTokenizer(_ source: URL, to target: URL, length: Int) throws(FileError) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: source.path)) ?? []
    try create(target)
    for name in names.sorted() where name.hasSuffix(".json") || name.hasSuffix(".txt") {
      let bytes = try FileSlice(path: source.appendingPathComponent(name).path).read(limit: 1 << 26)
      try AtomicFile.write(Array(bytes), to: target.appendingPathComponent(name))
    }
    let config = target.appendingPathComponent("tokenizer_config.json")
    guard !FileManager.default.fileExists(atPath: config.path) else { return }
    let fields: JSONValue = ["model_max_length": .int(length), "tokenizer_class": "CLIPTokenizer"]
    try AtomicFile.write(Array((fields.text + "\n").utf8), to: config)
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
