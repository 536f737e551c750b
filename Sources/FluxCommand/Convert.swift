import ArgumentParser
import Diffusion
import Flux
import Foundation
import Models
import NN
import Support

/// `flux convert`: converts the weights of a model to another data type.
struct Convert: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Converts the weights of a model to another data type, and single files to directories.",
    discussion: """
      A .safetensors file of Stable Diffusion becomes a directory in diffusers' layout, which gives the same images. \
      Diffusers reads float32 and bfloat16; int8 and int4 are read by Flux alone.

      bfloat16 has half of the size of float32; int8, with one scale per output channel, a quarter; int4, with one for \
      every 32 weights, a seventh. The error that each gives to the weights of every network is shown. \
      A few-step student in fast/ is copied unchanged. The directory of a text encoder can be converted \
      too. Files that are not copied are listed.

      EXAMPLES
        flux convert midi --storage bfloat16 -o midi-half
        flux convert model.safetensors -o model
      """)

  @Argument(
    help: "A model directory, a .safetensors file, the name of an installed model, or the directory of a text encoder.",
    completion: Completions.models)
  var model: FilePath
  @Option(name: [.short, .long], help: "Directory to write.") var output: FilePath
  @Option(help: "Data type of the weights: float32, bfloat16, int8 or int4.") var storage: Quantization = .float32
  @Option(help: "For a model of Stable Diffusion: another autoencoder to write into the directory.") var vae: FilePath?
  @Option(help: "For a model of Stable Diffusion: what its U-Net predicts, as with flux generate.")
  var prediction: Prediction?

  func run() throws {
    let (target, given) = (output.url, model.url)
    let isEncoder = FileManager.default.fileExists(atPath: given.appendingPathComponent("vocab.txt").path)
    if let word = Quantization(rawValue: model.text), !FileManager.default.fileExists(atPath: given.path) {
      throw Failure(
        "\(word.rawValue) is a data type, not a model: flux convert MODEL --storage \(word.rawValue) --output DIR",
        code: 2)
    }
    let source = isEncoder ? given : try Home.model(model)
    func place(_ url: URL) -> String { url.resolvingSymlinksInPath().standardizedFileURL.path }
    guard place(source) != place(target)
    else { throw Failure("--output would overwrite the input \(model.text): choose another name", code: 2) }
    try OutputFile.checkFolder(target)
    if !isEncoder, StableDiffusionFiles.isStored(at: source) {
      try StableDirectory.write(
        source, to: target, as: storage, options: .init(prediction: prediction, autoencoder: vae?.url))
      return try printLine(target.relativePath)
    }
    if vae != nil || prediction != nil {
      throw Failure(
        "\(vae != nil ? "--vae" : "--prediction") is for models of Stable Diffusion, and \(model.text) is none", code: 2
      )
    }
    if isEncoder {
      let encoder = try TextEncoder.load(from: given)
      try encoder.save(to: target, as: storage)
      Self.sayErrors(storage, [("text encoder", encoder)])
      let copied = ["vocab.txt", "tokenizer.json", "README.md"]
      for name in copied {
        guard let data = FileManager.default.contents(atPath: given.appendingPathComponent(name).path) else { continue }
        try AtomicFile.write([UInt8](data), to: target.appendingPathComponent(name))
      }
      Self.nameOthers(in: given, than: copied + ["config.json"], besides: target) { $0.hasPrefix("model") }
    } else {
      let student = try student(of: source)
      let bundle = try ModelBundle(directory: source)
      try bundle.save(to: target, as: storage)
      Self.sayErrors(
        storage, [("U-Net", bundle.unet), ("text adapter", bundle.adapter), ("autoencoder", bundle.autoencoder)])
      try student?.copy(
        to: target.appendingPathComponent(FastStudent.folderName), for: try ModelSource(model: target))
      Self.nameOthers(
        in: source,
        than: [
          "model_index.json", "autoencoder", "text_adapter", "unet", "scheduler", "text_encoder",
          FastStudent.folderName,
        ],
        besides: target)
    }
    try printLine(target.relativePath)
  }

  /// The few-step student of a model; nil, with a message, if it belongs to other weights.
  private func student(of source: URL) throws -> FastStudent? {
    let folder = source.appendingPathComponent(FastStudent.folderName)
    guard FileManager.default.fileExists(atPath: folder.path) else { return nil }
    do {
      return try FastStudent(folder, of: ModelSource(model: source))
    } catch {
      say("flux: the few-step student is not copied: \(error)")
      return nil
    }
  }

  /// Says how far the stored weights of networks are from those that were read.
  static func sayErrors(_ storage: Quantization, _ networks: [(name: String, network: any Module)]) {
    if storage == .float32 { return }
    let errors = networks.map { "\($0.name) \(String(format: "%.2g", 100 * storage.relativeError(of: $0.network))) %" }
    say("flux: error of the weights as \(storage.rawValue), relative to their size: \(errors.joined(separator: ", "))")
  }

  /// Lists the files of a directory that were not converted.
  static func nameOthers(
    in directory: URL, than known: [String], besides target: URL, isKnown: (String) -> Bool = { _ in false }
  ) {
    if directory.standardizedFileURL.path == target.standardizedFileURL.path { return }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
    let others = names.filter { !$0.hasPrefix(".") && !known.contains($0) && !isKnown($0) }.sorted()
    if !others.isEmpty { say("flux: not copied: \(others.joined(separator: ", "))") }
  }
}
