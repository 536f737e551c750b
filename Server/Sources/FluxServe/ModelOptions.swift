import ArgumentParser
import Flux
import Foundation
import Serving
import Torch

/// Which models are served, and what they are computed with.
struct ModelOptions: ParsableArguments {
  @Option(
    name: [.short, .long], parsing: .singleValue,
    help: """
      A model directory, a .safetensors file, or the name of a bundled model; may be repeated. The first is the default.
      """)
  var model: [String] = []
  @Option(help: "Models that are kept in memory; a few-step student counts as one.") var modelsLoaded: Int = 2
  @Option(
    help: """
      Compute precision: float32, or bfloat16, which takes half the memory and is faster on GPUs and on CPUs with AVX-512 \
      BF16 or AMX.
      """)
  var precision: Precision = .float32
  @Option(
    help: "Directory of an AutoencoderTiny (TAESD) whose decoder draws previews of models of Stable Diffusion.")
  var previewDecoder: String?
  @Option(help: "Device: cpu, cuda or cuda:N.") var device: String = "cpu"
  @Option(name: [.short, .long], help: "CPU threads (default: all cores).") var threads: Int?

  func validate() throws {
    try check("--models-loaded", modelsLoaded, 1...64)
    if let threads { try check("--threads", threads, 1...1024) }
  }

  /// The models; without `--model` the default one, and the other bundled ones after it.
  func catalog() throws -> ModelCatalog {
    let names = model.isEmpty ? Self.bundled() : model
    let catalog = ModelCatalog(
      try names.map { try ServedModel(directory: try Self.directory($0), textEncoder: Installation.textEncoder) })
    if let previewDecoder { try catalog.checkPreviewDecoder(URL(fileURLWithPath: previewDecoder)) }
    return catalog
  }

  private static func bundled() -> [String] {
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: Installation.models.path)) ?? []).filter {
      let folder = Installation.models.appendingPathComponent($0)
      return isModel(folder) && !PixelModel.isStored(in: folder)
    }
    let first = Installation.defaultModel
    return [first] + names.filter { $0 != first }.sorted()
  }

  private static func directory(_ name: String) throws -> URL {
    let installed = Installation.models.appendingPathComponent(name)
    let candidates = [URL(fileURLWithPath: name), installed, installed.appendingPathExtension("safetensors")]
    guard let found = candidates.first(where: isModel) else {
      if let reason = StableDiffusionFiles.refusal(of: candidates[0]) { throw ServeError("\(name): \(reason)") }
      throw ServeError(
        "model \"\(name)\" not found: give a model directory, a .safetensors file, or the name of a bundled model")
    }
    return found
  }

  private static func isModel(_ place: URL) -> Bool {
    let index = place.pathExtension == "safetensors" ? place : place.appendingPathComponent("model_index.json")
    return FileManager.default.fileExists(atPath: index.path)
  }

  /// Starts the thread that draws; `failed` is called where the model cannot be loaded.
  func startDrawing(
    _ catalog: ModelCatalog, _ queue: JobQueue, _ limits: ServerLimits, _ metrics: ServerMetrics,
    failed: @escaping @Sendable (any Error) -> Void
  ) throws {
    guard let device = Device(device) else { throw ServeError("--device \(device): expected cpu, cuda or cuda:N") }
    try device.checkPresence()
    let (kept, threads, precision) = (modelsLoaded, threads, precision)
    let decoder = previewDecoder.map { URL(fileURLWithPath: $0) }
    DrawingThread.start(
      for: queue,
      painter: {
        // The number of threads is a setting of the calling thread.
        if let threads { Libtorch.threads = threads }
        return Painter(
          catalog, textEncoder: Installation.textEncoder, previewDecoder: decoder, precision: precision, device: device,
          kept: kept, limits: limits, metrics: metrics)
      }, failed: failed)
  }
}

extension Precision: @retroactive ExpressibleByArgument {}
