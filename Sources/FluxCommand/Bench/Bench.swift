import ArgumentParser
import Flux
import Foundation
import Torch
import Training

/// `flux bench`: benchmarks.
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Benchmarks training, generation and single networks on this machine.",
    subcommands: [BenchTrain.self, BenchGenerate.self, BenchUNet.self, BenchPlots.self])

  /// Prints a result as JSON on one line; nested names are those of diffusers' configurations.
  static func printJSON(_ result: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    try printLine(String(decoding: try encoder.encode(result), as: UTF8.self))
  }

  /// Prints a line of a table.
  static func line(_ name: String, _ value: Double, _ unit: String) throws {
    try printLine(name.padding(toLength: 16, withPad: " ", startingAt: 0) + String(format: "%.3g ", value) + unit)
  }

  /// Prints the throughput as a share of that of large matrix products.
  static func throughputLine(_ teraflops: Double, _ products: Double) throws {
    try line(
      "throughput", teraflops,
      String(format: "TFLOP/s, %.0f %% of the %.3g of large matmuls", 100 * teraflops / products, products))
  }
}

/// `flux bench train`: steps per second of the diffusion stage.
struct BenchTrain: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Times training steps of the diffusion stage; nothing is saved.")

  @Option(help: "Model size: tiny, mini, midi, base, fine or specification.") var preset: Preset = .mini
  @Option(help: "Batch size (default: the preset's).") var batch: Int?
  @Option(help: "Number of steps to time.") var steps: Int = 20
  @Option(name: .customLong("pool-renewal"), help: "New scenes for the pool in every step (default: the preset's).")
  var poolRenewal: Int?
  @Flag(help: "Then show where the time of a step goes, by operation of the CPU and by kernel of the device.")
  var profile = false
  @OptionGroup var convolutions: ConvolutionOptions
  @OptionGroup var options: BenchOptions

  func validate() throws {
    try CountLimit.check("--steps", steps, to: CountLimit.steps)
    try CountLimit.check("--batch", batch, to: CountLimit.batch)
    if let batch, batch < 2 { throw ValidationError("--batch \(batch) is too small: give at least 2") }
    if let poolRenewal { try CountLimit.check("--pool-renewal", poolRenewal, from: 0, to: CountLimit.pool) }
  }

  func run() throws {
    var plan = TrainingPlan(preset: preset, batch: batch, bfloat16: options.precision == .bfloat16)
    if let poolRenewal { plan.poolRenewal = poolRenewal }
    let result = try Trainer.benchmark(
      plan, steps: steps, textEncoder: Home.textEncoder, device: try options.begin(), winograd: convolutions.winograd,
      profiled: profile)
    if options.json { return try Bench.printJSON(result) }
    try printLine(
      "\(preset) at batch \(result.batch), \(options.precision), on \(options.device), \(result.threads) threads")
    try Bench.line("networks only", result.networksOnly, "steps/s")
    try Bench.line("with data", result.withData, "steps/s")
    try Bench.line("data wait", 100 * result.dataWait, "% of the time")
    try Bench.throughputLine(result.teraflops, result.matmulTeraflops)
    try Bench.line("peak memory", Double(result.peakBytes) / 1e9, "GB")
    if let profile = result.profile { try printLine(profile.table(steps: TrainingBenchmark.profiledSteps(of: steps))) }
  }
}

/// `flux bench generate`: images per second, and the time of each stage.
struct BenchGenerate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate", abstract: "Times image generation by stage; nothing is saved.")

  @Option(help: "Model size, with random weights: tiny, mini, midi, base, fine or specification.")
  var preset: Preset?
  @Option(
    name: [.short, .long], help: "A model directory or the name of a bundled model (default: midi).",
    completion: Completions.models)
  var model: FilePath?
  @Option(help: "Batch size.") var batch: Int = 1
  @Option(help: "Number of sampling steps (DPM-Solver++ 2M).") var steps: Int = 20
  @Option(name: .customLong("cfg-scale"), help: "Classifier-free guidance scale; 1 disables guidance.")
  var guidance: Double = 3
  @Option(help: "Number of batches to time after the first.") var rounds: Int = 3
  @OptionGroup var options: BenchOptions

  func validate() throws {
    if preset != nil, model != nil { throw ValidationError("give --preset or --model, not both") }
    try CountLimit.check("--batch", batch, to: CountLimit.batch)
    try CountLimit.check("--steps", steps, to: CountLimit.steps)
    try CountLimit.check("--rounds", rounds, to: CountLimit.images)
    try NumberRange.check("--cfg-scale", guidance, 0...100)
  }

  func run() throws {
    let device = try options.begin()
    let pipeline = try pipeline(on: device)
    if device != .cpu { Libtorch.triesConvolutions(true) }
    let request = GenerationRequest(
      prompt: "a red apple to the left of a rocket on a blue background", steps: steps,
      guidance: .init(scale: guidance))
    try pipeline.timeGrid(request)
    let result = try pipeline.benchmark(request, batch: batch, rounds: rounds)
    if options.json { return try Bench.printJSON(result) }
    try printLine(
      "\(pipeline.source.name) at batch \(batch), \(steps) steps, \(options.precision), on \(options.device)")
    try Bench.line("images", result.imagesPerSecond, "/s")
    try Bench.line("first", result.firstSeconds, "s")
    for (name, share) in [
      ("text", result.textShare), ("U-Net", result.unetShare), ("decoder", result.decoderShare),
    ] { try Bench.line(name, 100 * share, "% of the time") }
    try Bench.throughputLine(result.teraflops, result.matmulTeraflops)
    try Bench.line("peak memory", Double(result.peakBytes) / 1e9, "GB")
  }

  private func pipeline(on device: Device) throws -> Pipeline {
    guard let preset else {
      return try Pipeline(
        model: Home.model(model), textEncoder: Home.textEncoder, precision: options.precision, device: device)
    }
    let bundle = ModelBundle(preset.configuration, .random(Generator(seed: 1)))
    bundle.move(to: device)
    return Pipeline(
      model: bundle, prompts: try PromptEncoder(directory: Home.textEncoder, device: device),
      source: ModelSource(name: preset.rawValue, hash: ""), precision: options.precision, packsWeights: true)
  }
}

/// Options of both benchmarks.
struct BenchOptions: ParsableArguments {
  @Option(help: "Compute precision: float32 or bfloat16.") var precision: Precision = .float32
  @Option(help: "Device: cpu, cuda or cuda:N.", completion: Completions.devices) var device: String = "cpu"
  @Option(help: "CPU threads (default: all cores).") var threads: Int?
  @Flag(help: "Print JSON.") var json = false

  func validate() throws {
    try ThreadCount.check(threads)
  }

  /// Sets the number of threads and returns the device.
  func begin() throws -> Device {
    if let threads { Libtorch.threads = threads }
    return try Device(flag: device)
  }
}
