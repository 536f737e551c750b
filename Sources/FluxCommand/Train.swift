import ArgumentParser
import Flux
import Foundation
import Models
import Torch
import Training

/// `flux train`: from nothing to a model directory.
struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Trains a model; the same command continues an interrupted run.")

  enum DataSource: String, ExpressibleByArgument, CaseIterable { case scenes }
  enum Precision: String, ExpressibleByArgument, CaseIterable { case float32, bfloat16 }

  @Option(help: "Sizes of the networks: tiny or mini.") var preset: Preset
  @Option(help: "What to learn from: scenes (drawn as they are needed).") var data: DataSource = .scenes
  @Option(
    help:
      "Model to start from: its autoencoder stays as it is, its U-Net learns on (or anew, if the preset's is larger)."
  ) var from: String?
  @Option(help: "Training steps over all stages (default: the preset's).") var steps: Int?
  @Option(help: "Scenes in a U-Net step (default: the preset's).") var batch: Int?
  @Option(name: .shortAndLong, help: "Seed of everything random.") var seed: UInt64 = 0
  @Option(name: .shortAndLong, help: "Folder of the run: checkpoints, log.jsonl, model/.") var output: String
  @Option(help: "Steps between checkpoints.") var saveEvery: Int = 200
  @Option(help: "Precision of matrix products: float32, or bfloat16 (faster where the CPU has AVX512-BF16).")
  var precision: Precision = .float32
  @Option(help: "How the model directory stores weights: float32, bfloat16 or int8.") var storage: Quantisation =
    .float32
  @Option(help: "CPU threads (default: all cores).") var threads: Int?
  @Flag(name: .shortAndLong, help: "No progress.") var quiet = false

  func validate() throws {
    if let steps, steps < 20 { throw ValidationError("--steps \(steps) is too few: give at least 20") }
    if let batch, batch < 2 { throw ValidationError("--batch \(batch) is too small: give at least 2") }
    if saveEvery < 1 { throw ValidationError("--save-every \(saveEvery) must be at least 1") }
    if let threads, threads < 1 { throw ValidationError("--threads \(threads) must be at least 1") }
  }

  func run() throws {
    if let threads { Libtorch.threads = threads }
    let start = try from.map { try Home.model($0) }
    let plan = TrainingPlan(
      preset: preset, steps: steps, batch: batch, seed: seed, bfloat16: precision == .bfloat16,
      start: try start.map { try ModelSource(directory: $0) })
    let trainer = try Trainer(
      plan, from: try start.map { try ModelBundle(directory: $0) }, folder: URL(fileURLWithPath: output),
      textEncoder: Home.textEncoder)
    if !quiet {
      let model = trainer.model
      say(
        "autoencoder \(model.autoencoder.parameterCount), adapter \(model.adapter.parameterCount), U-Net "
          + "\(model.unet.parameterCount) parameters; pictures \(model.configuration.imageSize)×"
          + "\(model.configuration.imageSize); \(plan.steps) steps")
    }
    try trainer.run(saveEvery: saveEvery, storage: storage, quiet: quiet)
    print(URL(fileURLWithPath: output).appendingPathComponent("model").path)
  }
}

extension Preset: ExpressibleByArgument {}
extension Quantisation: ExpressibleByArgument {}
