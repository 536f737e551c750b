import Flux
import Foundation
import Runs
import Torch
import Training

// The pixel-space example, which has a trainer of its own.

extension Train {
  /// The options that apply to the pixel-space example, by their long names.
  private static let applicable: Set<String> = [
    "preset", "data", "world", "scenes-version", "pairs", "shape-pairs", "full-captions", "sampling-weights", "crop",
    "mirror", "output", "steps", "batch", "seed", "learning-rate", "save-every", "keep", "no-moments", "shard-size",
    "sample-every", "time-limit", "storage", "device", "threads", "distributed", "winograd", "no-winograd",
    "record-steps",
    "quiet",
  ]

  /// Trains the pixel-space example; `began` is the start of the command.
  func trainPixelExample(on device: Device, since began: Date) throws {
    try Arguments.refuseOptions(
      except: Self.applicable, "the preset pixel-example trains as its example does, so not all options apply")
    let data = try learning.trainingData(preset: nil)
    if case .images(let files, _, _) = data {
      for warning in files.warnings { say("flux: \(learning.data): \(warning)") }
    }
    var plan = PixelTrainingPlan(data: data, seed: options.seed)
    if let steps = options.steps { plan.steps = steps }
    if let batch = options.batch { plan.batch = batch }
    if let rate = differences.diffusionLearningRate { plan.learningRate = rate }
    let recorded = options.recordSteps ?? 0
    if recorded > plan.steps {
      throw Failure("--record-steps \(recorded) must be at most the steps of the run, \(plan.steps)", code: 2)
    }
    let folder = options.output.url
    try OutputFile.checkFolder(folder)
    try learning.refuseRun(folder, inside: ["--data": learning.data])
    let trainer = try PixelTrainer(
      plan, on: data, vocabulary: Home.textEncoder.appendingPathComponent("vocab.txt"), device: device,
      winograd: options.convolutions.winograd)
    trainer.onWarning = { say("flux: \($0)") }
    if !options.quiet { say(trainer.summary) }
    (trainer.storage, trainer.samplesEvery) = (options.storage, options.sampleEvery)
    trainer.recordedSteps = recorded
    try takeSteps(
      of: trainer, in: folder, since: began, on: device, result: folder.appendingPathComponent("model"),
      failures: trainer.failures)
  }
}
