import ArgumentParser
import Data
import Flux
import Foundation
import Models
import Torch
import Training

/// `flux train`: from pictures with captions to a model directory.
struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Trains a model; the same command continues an interrupted run.",
    discussion: """
      The folder of the run gets checkpoints, log.jsonl, event files for TensorBoard, \
      reconstructions.png, samples.png and, at every checkpoint, the model as it is in model/. \
      Ctrl-C ends after the step that is running and saves; a second one ends at once.
      """)

  @Option(help: "How to train: ship (what trains the weights that people get), or specification (to the letter).")
  var profile: TrainingPlan.Profile = .ship
  @Option(help: "Sizes of the networks: tiny, mini, base or specification (default: the profile's).")
  var preset: Preset?
  @Option(
    help: """
      What to learn from: scenes (drawn as they are needed), or a folder or archive of pictures with captions (see flux \
      data check).
      """)
  var data: String = "scenes"
  @Option(help: "The world of the scenes: small or full (default: what the preset is meant for).") var world: World?
  @Option(help: "Which square of a picture is taken: centre or random.") var crop: Crop = .centre
  @Flag(help: "Exchange left and right in every other picture, unless its caption speaks of them.") var mirror = false
  @Option(
    help: "Model to start from: its autoencoder stays as it is, its U-Net learns on (or anew, if the preset's differs)."
  ) var from: String?
  @Flag(help: "With --from: take the autoencoder only; U-Net and adapter learn anew.") var anew = false
  @Option(help: "Training steps over all stages (default: the profile's).") var steps: Int?
  @Option(help: "Pictures in a U-Net step (default: the profile's).") var batch: Int?
  @Option(help: "Pieces that a batch is cut into, for less memory.") var accumulate: Int = 1
  @Flag(help: "Compute layers again for the gradients instead of keeping what is inside them: less memory, more time.")
  var gradientCheckpointing = false
  @Option(name: .shortAndLong, help: "Seed of everything random.") var seed: UInt64 = 0
  @Option(name: .shortAndLong, help: "Folder of the run.") var output: String
  @Option(help: "Folder that keeps what the frozen encoders make, for runs that are continued or begin alike.")
  var cache: String?
  @Option(help: "Steps between checkpoints.") var saveEvery: Int = 200
  @Option(help: "Checkpoints that are kept.") var keep: Int = 2
  @Option(help: "Steps between drawings of eight captions of the data (samples.png, and in TensorBoard); 0 is never.")
  var sampleEvery: Int = 1000
  @Option(help: "Save and end in time, to be continued by the same command: 90s, 9m, 1h30m.") var timeLimit: TimeLimit?
  @Option(help: "Precision of matrix products: float32, or bfloat16 (faster where the CPU has AVX512-BF16).")
  var precision: Precision = .float32
  @Option(help: "How the model directory stores weights: float32, bfloat16 or int8.") var storage: Quantisation =
    .float32
  @Option(help: "Where to compute: cpu, cuda or cuda:N.") var device: String = "cpu"
  @Option(help: "CPU threads (default: all cores).") var threads: Int?
  @OptionGroup(title: "Differences from the profile") var options: PlanOptions
  @Flag(help: "Print sizes, and a forecast of memory and time from a few steps that are not kept; then stop.")
  var dryRun = false
  @Flag(name: .shortAndLong, help: "No progress.") var quiet = false

  func validate() throws {
    if let steps, steps < 20 { throw ValidationError("--steps \(steps) is too few: give at least 20") }
    if let batch, batch < 2 { throw ValidationError("--batch \(batch) is too small: give at least 2") }
    if from != nil, profile == .specification {
      throw ValidationError("--from is for profile ship: the specification trains everything from the first step on")
    }
    if anew, from == nil { throw ValidationError("--anew says what to take from a model: give --from, too") }
    if cache != nil, profile == .specification {
      throw ValidationError("--cache is for profile ship: the specification never freezes its encoder")
    }
    if accumulate < 1 { throw ValidationError("--accumulate \(accumulate) must be at least 1") }
    if saveEvery < 1 { throw ValidationError("--save-every \(saveEvery) must be at least 1") }
    if sampleEvery < 0 { throw ValidationError("--sample-every \(sampleEvery) must not be negative") }
    if keep < 1 { throw ValidationError("--keep \(keep) must be at least 1") }
    if let threads, threads < 1 { throw ValidationError("--threads \(threads) must be at least 1") }
  }

  func run() throws {
    let began = Date()
    if let threads { Libtorch.threads = threads }
    let device = try Device(flag: device)
    let start = try from.map { try Home.model($0) }
    let data = try trainingData()
    var plan = TrainingPlan(
      profile: profile, preset: preset, data: data, steps: steps, batch: batch, accumulation: accumulate, seed: seed,
      bfloat16: precision == .bfloat16, start: try start.map { try ModelSource(directory: $0) })
    (plan.anew, plan.gradientCheckpointing) = (anew, gradientCheckpointing)
    try options.apply(to: &plan)
    let folder = URL(fileURLWithPath: output)
    let model = try start.map { try ModelBundle(directory: $0) }
    if dryRun {
      let forecast = try Trainer.forecast(plan, on: data, from: model, textEncoder: Home.textEncoder, device: device)
      try forecast.save(in: folder)
      return print(forecast.text)
    }
    let trainer = try Trainer(
      plan, on: data, from: model, folder: folder, textEncoder: Home.textEncoder,
      cache: cache.map { URL(fileURLWithPath: $0) }, device: device)
    trainer.notice = { say("flux: \($0)") }
    if !quiet {
      say(trainer.summary)
      trainer.news = { say($0) }
    }
    Interruption.beAsked()
    let limit = timeLimit?.seconds ?? .infinity
    let outcome = try trainer.run(
      saving: Trainer.Saving(every: saveEvery, kept: keep, storage: storage, samplesEvery: sampleEvery), quiet: quiet
    ) { savingTakes in
      // A step and a save must still fit.
      Interruption.isAsked || Date().timeIntervalSince(began) + 1 + 1.5 * savingTakes > limit
    }
    report(trainer.failures)
    if !quiet { say(Forecast.memoryReport(in: folder, device)) }
    print(folder.appendingPathComponent("model").path)
    if case .stopped(let step) = outcome {
      say("stopped after step \(step) of \(plan.steps), all saved; the same command continues")
      if Interruption.isAsked { throw ExitCode(130) }
    }
  }
}

extension Train {
  private func trainingData() throws -> TrainingData {
    if data == "scenes" { return .scenes(world ?? (preset ?? profile.preset).world) }
    if world != nil { throw Failure("--world is about scenes, not about \(data)", code: 2) }
    return .pictures(try PictureFiles(URL(fileURLWithPath: data)), crop: crop, mirror: mirror)
  }

  /// Names pictures that others had to stand in for.
  private func report(_ failures: [String]) {
    if failures.isEmpty { return }
    say("\(failures.count) picture\(failures.count == 1 ? "" : "s") could not be read:")
    for failure in failures.prefix(10) { say("  \(failure)") }
    if failures.count > 10 { say("  and \(failures.count - 10) more: flux data check \(data) names them") }
  }
}

/// What matrix products are computed in; weights and sums stay in float32.
enum Precision: String, ExpressibleByArgument, CaseIterable { case float32, bfloat16 }

extension Preset {
  /// The scenes that a preset is meant to learn.
  fileprivate var world: World {
    switch self {
    case .tiny, .mini: .small
    case .base, .specification: .full
    }
  }
}

extension Crop: ExpressibleByArgument {}
extension Preset: ExpressibleByArgument {}
extension Quantisation: ExpressibleByArgument {}
extension TrainingPlan.Profile: ExpressibleByArgument {}
