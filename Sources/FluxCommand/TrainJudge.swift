import ArgumentParser
import Evaluation
import Foundation
import Models
import Scenes
import Torch

/// `flux train-judge`: the judge of `flux evaluate` that learns.
struct TrainJudge: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train-judge", abstract: "Trains the second judge of flux evaluate, on renders of scenes.",
    discussion: """
      A small detector that finds objects by their centres, trained on renders with blur, noise and other damage; it \
      never sees what a model drew. flux evaluate --judge DIR uses it. Ctrl-C ends without saving.
      """)

  @Option(help: "The world whose objects it learns: small, medium or full.") var world: World = .small
  @Option(help: "How scenes are drawn: 1, soft where they are large, as mini learned them, or 2, sharp.")
  var scenesVersion: RenderingVersion = .latest
  @Option(help: "Training steps.") var steps: Int = 1800
  @Option(help: "Pictures in a step.") var batch: Int = 32
  @Option(name: .shortAndLong, help: "Seed of everything random.") var seed: UInt64 = 0
  @Option(name: .shortAndLong, help: "Folder for configuration and weights.") var output: FilePath
  @Option(help: "Precision of matrix products: float32, or bfloat16 (faster where the CPU has AVX512-BF16).")
  var precision: Precision = .float32
  @Option(help: "How weights are stored: float32, bfloat16 or int8.") var storage: Quantisation = .int8
  @Option(help: "CPU threads (default: all cores).") var threads: Int?
  @Flag(name: .shortAndLong, help: "No progress.") var quiet = false

  func validate() throws {
    try ThreadCount.check(threads)
    for (flag, value) in [("--steps", steps), ("--batch", batch)] where value < 1 {
      throw ValidationError("\(flag) \(value) must be at least 1")
    }
  }

  func run() throws {
    try OutputFile.checkFolder(output.url)
    if let threads { Libtorch.threads = threads }
    let trainer = try DetectorTrainer(
      DetectorTrainer.Plan(
        world: world, version: scenesVersion, steps: steps, batch: batch, seed: seed, bfloat16: precision == .bfloat16))
    if !quiet { say("\(trainer.network.parameterCount) parameters") }
    let line = ProgressLine(quiet: quiet)
    // Losses of single steps jump: what is shown is their mean over some twenty steps.
    var means: [Double] = []
    try trainer.run { step, losses in
      let values = losses.map(\.value)
      means = means.isEmpty ? values : zip(means, values).map { $0 + ($1 - $0) / 20 }
      let text = zip(losses, means).map { "\($0.name) \(String(format: "%.3f", $1))" }.joined(separator: ", ")
      line.show(Double(step + 1) / Double(steps), "step \(step + 1) of \(steps): \(text)")
      if !quiet, (step + 1) % 250 == 0 || step + 1 == steps {
        line.clear()
        say("step \(step + 1): \(text)")
      }
    }
    try trainer.network.save(to: output.url, as: storage)
    try printLine(output.url.relativePath)
  }
}
