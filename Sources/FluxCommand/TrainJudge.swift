import ArgumentParser
import Evaluation
import Flux
import Foundation
import Models
import Runs
import Scenes
import Torch

/// `flux train-judge`: trains the learned judge of `flux evaluate`.
struct TrainJudge: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train-judge",
    abstract: "Trains the learned judge of flux evaluate; the same command continues an interrupted run.",
    discussion: """
      The judge is a small center-based object detector, trained on renders of scenes with blur, noise and \
      other corruptions. It never sees generated images. OUTPUT/judge has its configuration and weights, for \
      flux evaluate --judge OUTPUT/judge; the folder also holds checkpoints and log.jsonl. Ctrl-C stops after \
      the current step and saves; a second Ctrl-C stops at once.
      """)

  @Option(help: "World of the objects: small, medium or full.") var world: World = .small
  @Option(help: "Version of the scene renderer: 1 (used for mini) or 2, which draws large objects sharp.")
  var scenesVersion: RenderingVersion = .latest
  @Option(help: "Training steps.") var steps: Int = 1800
  @Option(help: "Batch size.") var batch: Int = 32
  @Option(name: .shortAndLong, help: "Random seed.") var seed: UInt64 = 0
  @Option(name: .shortAndLong, help: "Folder of the run.") var output: FilePath
  @Option(help: "Steps between checkpoints.") var saveEvery: Int = 200
  @Option(help: "Number of checkpoints to keep.") var keep: Int = 2
  @Option(help: "Save and stop before this time is up; the same command continues (90s, 9m, 1h30m).")
  var timeLimit: TimeLimit?
  @Option(help: "Compute precision: float32, or bfloat16 (mixed precision).")
  var precision: Precision = .float32
  @Option(help: "Data type of the saved weights: float32, bfloat16 or int8.") var storage: Quantization = .int8
  @Option(help: "CPU threads (default: all cores).") var threads: Int?
  @Flag(name: .shortAndLong, help: "No progress output.") var quiet = false

  func validate() throws {
    try ThreadCount.check(threads)
    try CountLimit.check("--steps", steps, to: CountLimit.steps)
    try CountLimit.check("--batch", batch, to: CountLimit.batch)
    try CountLimit.check("--save-every", saveEvery, to: CountLimit.steps)
    try CountLimit.check("--keep", keep, to: CountLimit.steps)
  }

  func run() throws {
    let began = Date()
    let folder = output.url
    try OutputFile.checkFolder(folder)
    if let threads { Libtorch.threads = threads }
    let trainer = try DetectorTrainer(
      DetectorTrainer.Plan(
        world: world, version: scenesVersion, steps: steps, batch: batch, seed: seed, bfloat16: precision == .bfloat16))
    trainer.storage = storage
    trainer.onWarning = { say("flux: \($0)") }
    if !quiet { say("\(trainer.network.parameterCount) parameters") }
    let run = TrainingRun(trainer, in: folder, saving: TrainingRun.Saving(every: saveEvery, kept: keep))
    let outcome = try run.run(quiet: quiet, since: began, limit: timeLimit)
    let judge = folder.appendingPathComponent(DetectorTrainer.folderName)
    if FileManager.default.fileExists(atPath: judge.path) { try printLine(judge.path) }
    try outcome.conclude(of: steps)
  }
}
