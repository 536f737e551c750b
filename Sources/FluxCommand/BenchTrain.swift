import ArgumentParser
import Flux
import Torch
import Training

/// `flux bench train`: steps a second of the stage that takes longest.
struct BenchTrain: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Times steps of a training run's diffusion stage; nothing is kept.")

  @Option(help: "Sizes of the networks: tiny, mini, base or fine.") var preset: Preset = .mini
  @Option(help: "Pictures in a step (default: the preset's).") var batch: Int?
  @Option(help: "Steps to time.") var steps: Int = 20
  @OptionGroup var options: BenchOptions

  func validate() throws {
    if steps < 1 { throw ValidationError("--steps \(steps) must be at least 1") }
    if let batch, batch < 2 { throw ValidationError("--batch \(batch) is too small: give at least 2") }
  }

  func run() throws {
    let plan = TrainingPlan(preset: preset, batch: batch, bfloat16: options.precision == .bfloat16)
    let result = try Trainer.benchmark(
      plan, steps: steps, textEncoder: Home.textEncoder, device: try options.begin())
    if options.json { return try Bench.printJSON(result) }
    print("\(preset) at batch \(result.batch), \(options.precision), on \(options.device), \(result.threads) threads")
    Bench.line("networks only", result.networksOnly, "steps/s")
    Bench.line("with data", result.withData, "steps/s")
    Bench.line("waiting for it", 100 * result.waiting, "% of the time")
    Bench.lineOfWork(result.teraflops, result.productTeraflops)
    Bench.line("peak memory", Double(result.peakBytes) / 1e9, "GB")
  }
}
