import ArgumentParser
import Diffusion
import Flux
import Foundation
import Models
import Scenes
import Torch
import Training

/// `flux distil`: a student of a model that draws in a few steps.
struct Distil: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Teaches a model to draw in a few steps, without guidance.",
    discussion: """
      The model itself, guided and in many steps, is the teacher; the student is a LoRA of its U-Net, a \
      file of a few MiB in OUTPUT/fast. With --install it is put into the model, and flux generate --fast \
      draws with it. No pictures are needed, only captions: those of Scenes, or the lines of \
      --prompt-file.

      EXAMPLES
        flux distil --model mini --output runs/fast --install
        flux generate --fast "a red apple" -o apple.png
      """)

  @Option(name: .shortAndLong, help: "The teacher: a model directory, or the name of a shipped model.") var model:
    FilePath?
  @Option(name: .shortAndLong, help: "Folder of the run.") var output: FilePath
  @Flag(help: "Put the student into the model's directory when the run is finished.") var install = false

  @Option(help: "Steps in which the student draws.") var studentSteps: Int = 4
  @Option(help: "The teacher's steps for each of the student's.") var teacherSteps: Int = 4
  @Option(
    name: [.customLong("guidance"), .customLong("cfg-scale")],
    help: "How strongly the prompt steers the teacher, and so the student for good.")
  var guidance: Double = 3
  @Option(name: .customLong("cfg-rescale"), help: "How much of the contrast that guidance adds is taken back, 0 to 1.")
  var rescale: Double = 0
  @Option(
    name: .customLong("cfg-interval"), help: "Noise levels at which guidance applies, as LOW-HIGH (default: all).")
  var interval: Generate.Interval?

  @Option(help: "Rank of the LoRA: its size.") var rank: Int = 32
  @Option(help: "Training steps.") var steps: Int = 1000
  @Option(help: "Noisy latents in a step.") var batch: Int = 32
  @Option(help: "Learning rate at its highest.") var rate: Double = 1e-3
  @Option(help: "Share of the paths that follow the student's own steps, 0 to 1.") var ownPaths: Double = 0.5
  @Option(help: "How often a step of a path is learnt from, on average.") var reuse: Double = 4
  @Option(name: .shortAndLong, help: "Seed of everything random.") var seed: UInt64 = 0
  @Option(help: "The world whose captions are drawn: small, medium or full.") var world: World = .small
  @Option(help: "A file with a prompt on every line, to draw instead of captions of scenes.") var promptFile: FilePath?

  @Option(help: "Steps between checkpoints.") var saveEvery: Int = 100
  @Option(help: "Save and end in time, to be continued by the same command: 90s, 9m, 1h30m.") var timeLimit: TimeLimit?
  @Option(help: "Precision of matrix products: float32, or bfloat16 (faster where the CPU has AVX512-BF16).")
  var precision: Precision = .float32
  @Option(help: "Where to compute: cpu, cuda or cuda:N.") var device: String = "cpu"
  @Option(help: "CPU threads (default: all cores).") var threads: Int?
  @Flag(name: .shortAndLong, help: "No progress.") var quiet = false

  func validate() throws {
    for (flag, value) in [
      ("--student-steps", studentSteps), ("--teacher-steps", teacherSteps), ("--rank", rank), ("--steps", steps),
      ("--batch", batch), ("--save-every", saveEvery),
    ] where value < 1 { throw ValidationError("\(flag) \(value) must be at least 1") }
    try ThreadCount.check(threads)
    if !(0...100).contains(guidance) { throw ValidationError("--guidance \(guidance) must be 0 to 100") }
    if !(0...1).contains(rescale) { throw ValidationError("--cfg-rescale \(rescale) must be 0 to 1") }
    if !(0...1).contains(ownPaths) { throw ValidationError("--own-paths \(ownPaths) must be 0 to 1") }
    if !(reuse >= 1 && reuse.isFinite) { throw ValidationError("--reuse \(reuse) must be at least 1") }
    if !(rate > 0 && rate.isFinite) { throw ValidationError("--rate \(rate) must be above 0") }
  }

  func run() throws {
    let began = Date()
    if let threads { Libtorch.threads = threads }
    let device = try Device(flag: device)
    let directory = try Home.model(model)
    let (captions, name) = try captions()
    var plan = DistillationPlan(
      modelHash: try ModelSource(directory: directory).hash, captions: name, studentSteps: studentSteps,
      teacherSteps: teacherSteps,
      guidance: Guidance(scale: guidance, interval: interval?.range, rescale: rescale), rank: rank, steps: steps,
      batch: batch, seed: seed, rate: rate, bfloat16: precision == .bfloat16)
    (plan.ownPaths, plan.reuse) = (ownPaths, reuse)
    let folder = output.url
    try OutputFile.checkFolder(folder)
    let distiller: Distiller
    do {
      distiller = try Distiller(
        plan, teacher: try ModelBundle(directory: directory), captions: captions, textEncoder: Home.textEncoder,
        device: device)
    } catch let error as SamplingError { throw Failure("teacher: \(error)", code: 2) }
    Interruption.beAsked()
    let limit = timeLimit?.seconds ?? .infinity
    let outcome = try distiller.run(in: folder, saveEvery: saveEvery, quiet: quiet) {
      // Drawing paths for a step, and a save, must still fit.
      Interruption.isAsked || Date().timeIntervalSince(began) + distiller.longestStep + 2 > limit
    }
    guard case .stopped(let step) = outcome else {
      let target = (install ? directory : folder).appendingPathComponent(FastStudent.folderName)
      if install { try distiller.saveStudent(to: target) }
      return try printLine(target.path)
    }
    if step > 0 { try printLine(folder.appendingPathComponent(FastStudent.folderName).path) }
    say(outcome.sentence(of: steps))
    if Interruption.isAsked { throw ExitCode(130) }
  }

  /// What is drawn, and what tells it from other captions.
  private func captions() throws -> (Distiller.Captions, String) {
    guard let promptFile else {
      let scenes = TrainingScenes.diffusion(seed: seed, world: world)
      return ({ scenes[$0].caption }, "\(world.rawValue) scenes, seed \(seed)")
    }
    let prompts = try Prompts.read(argument: nil, file: promptFile)
    return ({ prompts[$0 % prompts.count] }, prompts.joined(separator: "\n"))
  }
}
