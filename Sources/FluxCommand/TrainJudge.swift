import ArgumentParser
import Evaluation
import Foundation
import Models
import Scenes
import Torch

/// `flux train-judge`: trains the learned judge of `flux evaluate`.
struct TrainJudge: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train-judge", abstract: "Trains the learned judge of flux evaluate on renders of scenes.",
    discussion: """
      The judge is a small center-based object detector, trained on renders with blur, noise and other \
      corruptions. It never sees generated images. flux evaluate --judge DIR uses it. Ctrl-C stops \
      without saving.
      """)

  @Option(help: "World of the objects: small, medium or full.") var world: World = .small
  @Option(help: "Version of the scene renderer: 1 (used for mini) or 2, which draws large objects sharp.")
  var scenesVersion: RenderingVersion = .latest
  @Option(help: "Training steps.") var steps: Int = 1800
  @Option(help: "Batch size.") var batch: Int = 32
  @Option(name: .shortAndLong, help: "Random seed.") var seed: UInt64 = 0
  @Option(name: .shortAndLong, help: "Folder for configuration and weights.") var output: FilePath
  @Option(help: "Compute precision: float32, or bfloat16 (mixed precision).")
  var precision: Precision = .float32
  @Option(help: "Data type of the saved weights: float32, bfloat16 or int8.") var storage: Quantization = .int8
  @Option(help: "CPU threads (default: all cores).") var threads: Int?
  @Flag(name: .shortAndLong, help: "No progress output.") var quiet = false

  func validate() throws {
    try ThreadCount.check(threads)
    try CountLimit.check("--steps", steps, to: CountLimit.steps)
    try CountLimit.check("--batch", batch, to: CountLimit.batch)
  }

  func run() throws {
    try OutputFile.checkFolder(output.url)
    if let threads { Libtorch.threads = threads }
    let trainer = try DetectorTrainer(
      DetectorTrainer.Plan(
        world: world, version: scenesVersion, steps: steps, batch: batch, seed: seed, bfloat16: precision == .bfloat16))
    if !quiet { say("\(trainer.network.parameterCount) parameters") }
    let line = ProgressLine(quiet: quiet)
    // Losses of single steps are noisy: show a running mean over about twenty steps.
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
