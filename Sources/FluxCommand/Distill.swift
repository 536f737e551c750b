import ArgumentParser
import Diffusion
import Flux
import Foundation
import Models
import Runs
import Scenes
import Support
import Torch
import Training

/// `flux distill`: distills a model into a few-step LoRA.
struct Distill: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Distills a model into a few-step LoRA; the same command continues an interrupted run.",
    discussion: """
      The model with guidance and many steps is the teacher. The student needs no guidance: a LoRA of its U-Net, a file \
      of a few MiB in OUTPUT/fast; --install copies it into the model directory for flux generate --fast. \
      Training needs no images, only captions: those of Scenes, or the lines of --prompt-file. Ctrl-C stops \
      after the current step and saves; a second Ctrl-C stops at once.

      EXAMPLES
        flux distill --model mini --output runs/fast --install
        flux generate --fast "a red apple" -o apple.png
      """)

  @Option(
    name: .shortAndLong, help: "Teacher: a model directory or the name of a bundled model.",
    completion: Completions.models) var model: FilePath?
  @Option(name: .shortAndLong, help: "Folder of the run.") var output: FilePath
  @Flag(help: "Install the student into the model directory when the run is finished.") var install = false

  @Option(help: "Sampling steps of the student.") var studentSteps: Int = 4
  @Option(help: "Teacher steps per student step.") var teacherSteps: Int = 4
  @Option(
    name: [.customLong("guidance"), .customLong("cfg-scale")],
    help: "CFG scale of the teacher, which is distilled into the student.")
  var guidance: Double = 3
  @Option(name: .customLong("cfg-rescale"), help: "CFG rescale φ of the teacher, 0 to 1.")
  var rescale: Double = 0
  @Option(
    name: .customLong("cfg-interval"), help: "Noise levels at which CFG applies, as LOW-HIGH (default: all).")
  var interval: Generate.Interval?

  @Option(
    help: """
      Student to start from, such as that of a similar model: a LoRA file, or the folder of a student (default: the \
      teacher without guidance).
      """)
  var from: FilePath?
  @Option(help: "Rank of the LoRA (default: 32, or that of --from).") var rank: Int?
  @Option(help: "Training steps.") var steps: Int = 1000
  @Option(help: "Batch size.") var batch: Int = 32
  @Option(help: "Peak learning rate.") var learningRate: Double = 1e-3
  @Option(help: "Fraction of trajectories that follow the student's own steps, 0 to 1 (default: 0.5).")
  var onPolicyShare: Double?
  @Option(help: "Average number of times that each step of a trajectory is used for training.") var reuse: Double = 4
  @Option(name: .shortAndLong, help: "Random seed.") var seed: UInt64 = 0
  @Option(
    help: "Trajectories that the teacher samples together (default: 32); a GPU samples 128 in about the same time.")
  var teacherBatch: Int?
  @Option(help: "World of the captions: small, medium or full (default: small).") var world: World?
  @OptionGroup var emphasis: EmphasisOptions
  @Option(help: "File with one prompt per line, used instead of captions of scenes.") var promptFile: FilePath?

  @Option(
    help: """
      Sharpness of edges in the student's images, for models with a palette decoder (default: the model's). Images of few \
      steps are softer; a larger value makes up for it.
      """)
  var sharpness: Double?

  @Option(help: "Steps between checkpoints.") var saveEvery: Int = 100
  @Option(help: "Number of checkpoints to keep.") var keep: Int = 2
  @Option(help: "Save and stop before this time is up; the same command continues (90s, 9m, 1h30m).")
  var timeLimit: TimeLimit?
  @Option(help: "Compute precision: float32, or bfloat16 (mixed precision).")
  var precision: Precision = .float32
  @Option(help: "Device: cpu, cuda or cuda:N.", completion: Completions.devices) var device: String = "cpu"
  @Option(help: "CPU threads (default: all cores).") var threads: Int?
  @Flag(name: .shortAndLong, help: "No progress output.") var quiet = false

  func validate() throws {
    for (flag, value, highest) in [
      ("--student-steps", studentSteps, 1000), ("--teacher-steps", teacherSteps, 1000),
      ("--rank", rank ?? 1, CountLimit.rank), ("--teacher-batch", teacherBatch ?? 1, CountLimit.batch),
      ("--steps", steps, CountLimit.steps), ("--batch", batch, CountLimit.batch),
      ("--save-every", saveEvery, CountLimit.steps), ("--keep", keep, CountLimit.steps),
    ] { try CountLimit.check(flag, value, to: highest) }
    try ThreadCount.check(threads)
    try NumberRange.check("--guidance", guidance, 0...100)
    try NumberRange.check("--cfg-rescale", rescale, 0...1)
    try NumberRange.check("--sharpness", sharpness, Autoencoder.Palette.sharpnessRange)
    try NumberRange.check("--on-policy-share", onPolicyShare, 0...1)
    try NumberRange.check("--reuse", reuse, 1...Double.greatestFiniteMagnitude)
    if !(learningRate > 0 && learningRate.isFinite) {
      throw ValidationError("--learning-rate \(learningRate.shown) must be above 0")
    }
    if world != nil, promptFile != nil {
      throw ValidationError("--world is that of captions of scenes, --prompt-file has other ones: remove one of them")
    }
    if emphasis.isAsked, promptFile != nil {
      throw ValidationError(
        "--pairs, --shape-pairs, --full-captions, --plain-pairs and --sampling-weights choose captions of scenes, "
          + "--prompt-file has other ones: remove one of them")
    }
    if onPolicyShare != nil, studentSteps == 1 {
      throw ValidationError("--on-policy-share needs two --student-steps or more: remove it")
    }
  }

  func run() throws {
    let began = Date()
    if let threads { Libtorch.threads = threads }
    let device = try Device(flag: device)
    let directory = try Home.model(model)
    let (captions, name) = try captions()
    let teacher = try ModelBundle(directory: directory)
    if sharpness != nil, !(teacher.autoencoder.decoder is PaletteDecoder) {
      throw Failure("--sharpness is that of a palette decoder, and \(directory.lastPathComponent) has none", code: 2)
    }
    let start = try start(of: teacher)
    var plan = DistillationPlan(
      modelHash: try ModelSource(model: directory).hash, captions: name, studentSteps: studentSteps,
      teacherSteps: teacherSteps,
      guidance: Guidance(scale: guidance, interval: interval?.range, rescale: rescale), rank: start?.rank ?? rank ?? 32,
      steps: steps,
      batch: batch, seed: seed, learningRate: learningRate, bfloat16: precision == .bfloat16)
    (plan.onPolicyShare, plan.reuse, plan.teacherBatch) = (onPolicyShare ?? plan.onPolicyShare, reuse, teacherBatch)
    (plan.start, plan.sharpness) = (start?.hash, sharpness)
    let folder = output.url
    try OutputFile.checkFolder(folder)
    let distiller: Distiller
    do {
      distiller = try Distiller(
        plan, teacher: teacher, captions: captions, textEncoder: Home.textEncoder, start: start?.lora,
        device: device)
    } catch let error as SamplingError { throw Failure("teacher: \(error)", code: 2) }
    let sampling = GenerationRequest(prompt: "", guidance: plan.guidance)
    GuidanceAdvice.lines(on: sampling, along: distiller.teacherGrid).forEach { say("flux: \($0)") }
    distiller.onWarning = { say("flux: \($0)") }
    let run = TrainingRun(distiller, in: folder, saving: TrainingRun.Saving(every: saveEvery, kept: keep))
    let outcome = try run.run(quiet: quiet, since: began, limit: timeLimit)
    let student = (install && outcome == .finished ? directory : folder).appendingPathComponent(FastStudent.folderName)
    if install, outcome == .finished { try distiller.saveStudent(to: student) }
    if FileManager.default.fileExists(atPath: student.path) { try printLine(student.path) }
    try outcome.conclude(of: steps)
  }

  /// The student of `--from`, which must adapt every layer of the U-Net with one rank.
  private func start(of teacher: ModelBundle) throws -> (lora: LoRA, rank: Int, hash: String)? {
    guard let from else { return nil }
    var isFolder: ObjCBool = false
    _ = FileManager.default.fileExists(atPath: from.path, isDirectory: &isFolder)
    let file = isFolder.boolValue ? from.url.appendingPathComponent(LoRA.fileName) : from.url
    let lora = try LoRA.load(file, for: teacher.unet)
    let ranks = Set(lora.pairs.map { $0.down.shape[0] }).sorted()
    let layers = LoRA.layerNames(of: teacher.unet).count
    guard ranks.count == 1, lora.pairs.count == layers else {
      throw Failure(
        "\(file.path) adapts \(lora.pairs.count) layers with ranks \(ranks): a student adapts all \(layers) layers of the "
          + "U-Net with one rank")
    }
    if let rank, rank != ranks[0] { throw Failure("--rank \(rank): \(file.path) has rank \(ranks[0])", code: 2) }
    return (lora, ranks[0], try LoRASource(file: file, scale: 1).hash)
  }

  /// The captions, and a description that identifies them in the plan.
  private func captions() throws -> (Distiller.Captions, String) {
    guard let promptFile else {
      let world = world ?? .small
      let emphasis = try emphasis.emphasis(in: world)
      let scenes = TrainingScenes.diffusion(seed: seed, world: world, emphasis: emphasis)
      return ({ scenes[$0].caption }, "\(world.rawValue) scenes\(emphasis.name), seed \(seed)")
    }
    let prompts = try Prompts.read(argument: nil, file: promptFile)
    return ({ prompts[$0 % prompts.count] }, prompts.joined(separator: "\n"))
  }
}
