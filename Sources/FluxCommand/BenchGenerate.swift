import ArgumentParser
import Flux
import Foundation
import Torch

/// `flux bench generate`: pictures a second, and where the time goes.
struct BenchGenerate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate", abstract: "Times the drawing of pictures, stage by stage; nothing is kept.")

  @Option(help: "Sizes of the networks, whose weights are then random: tiny, mini, base, fine or specification.")
  var preset: Preset?
  @Option(name: [.short, .long], help: "A model directory, or the name of a shipped model (default: mini).")
  var model: String?
  @Option(help: "Pictures that are drawn together.") var batch: Int = 1
  @Option(help: "Denoising steps of DPM-Solver++ 2M.") var steps: Int = 20
  @Option(name: .customLong("cfg-scale"), help: "Guidance; 1 is none, for half the work.") var guidance: Double = 3
  @Option(help: "Batches to time after the first.") var rounds: Int = 3
  @OptionGroup var options: BenchOptions

  func validate() throws {
    if preset != nil, model != nil { throw ValidationError("give --preset or --model, not both") }
    for (flag, value) in [("batch", batch), ("steps", steps), ("rounds", rounds)]
    where value < 1 { throw ValidationError("--\(flag) \(value) must be at least 1") }
  }

  func run() throws {
    let device = try options.begin()
    let pipeline = try pipeline(on: device)
    if device != .cpu { Libtorch.triesConvolutions(true) }
    let request = GenerationRequest(
      prompt: "a red apple to the left of a rocket on a blue background", steps: steps,
      guidance: .init(scale: guidance))
    let result = try pipeline.benchmark(request, batch: batch, rounds: rounds, bfloat16: options.precision == .bfloat16)
    if options.json { return try Bench.printJSON(result) }
    print("\(pipeline.source.name), \(batch) at a time, \(steps) steps, \(options.precision), on \(options.device)")
    Bench.line("pictures", result.picturesPerSecond, "/s")
    Bench.line("first", result.firstSeconds, "s")
    for (name, share) in [
      ("text", result.textShare), ("U-Net", result.unetShare), ("decoder", result.decoderShare),
    ] { Bench.line(name, 100 * share, "% of the time") }
    Bench.lineOfWork(result.teraflops, result.productTeraflops)
    Bench.line("peak memory", Double(result.peakBytes) / 1e9, "GB")
  }

  private func pipeline(on device: Device) throws -> Pipeline {
    guard let preset else {
      return try Pipeline(model: Home.model(model), textEncoder: Home.textEncoder, device: device)
    }
    let bundle = ModelBundle(preset.configuration, .random(Generator(seed: 1)))
    bundle.move(to: device)
    return Pipeline(
      model: bundle, prompts: try PromptEncoder(directory: Home.textEncoder, device: device),
      source: ModelSource(name: preset.rawValue, hash: ""))
  }
}
