import ArgumentParser
import Distributed
import Flux
import Foundation
import Runs
import Torch
import Training

/// `flux train`: trains a model on captioned images.
struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Trains a model; the same command continues an interrupted run.",
    discussion: """
      The run folder holds checkpoints, log.jsonl, TensorBoard event files, reconstructions.png, \
      samples.png and, updated at every checkpoint, the model in model/ or the LoRA in \
      lora.safetensors. Ctrl-C stops after the current step and saves; a second Ctrl-C stops at once.
      """)

  // Help shows groups in this order, and options without a group after all of them.
  @OptionGroup(title: "Model and data") var learning: LearningOptions
  @OptionGroup(title: "Fine-tuning") var fineTuning: FineTuningOptions
  @OptionGroup(title: "Run") var options: RunOptions
  @OptionGroup(title: "Hyperparameters") var differences: PlanOptions

  func validate() throws {
    if options.cache != nil, learning.profile == .specification {
      throw ValidationError("--cache needs --profile ship: the specification never freezes its encoder")
    }
    if fineTuning.loraRank != nil {
      if learning.from == nil { throw ValidationError("--lora-rank needs --from: a LoRA adapts a trained model") }
      if options.storage == .int8 {
        throw ValidationError("--storage int8 is not for a LoRA, whose file is small: use float32 or bfloat16")
      }
    }
  }

  func run() throws {
    let began = Date()
    if let threads = options.threads { Libtorch.threads = threads }
    let device = try Device(flag: options.device)
    if learning.presetName == .pixelExample {
      try ProcessGroup.requireSingle("the preset pixel-example", options.distributed)
      try options.requireSeveralImages()
      return try trainPixelExample(on: device, since: began)
    }
    if let start = learning.from.flatMap({ try? Home.model($0, allowsAutoencoder: true) }),
      StableDiffusionFiles.isStored(at: start)
    {
      try ProcessGroup.requireSingle("a LoRA of Stable Diffusion", options.distributed)
      return try trainStableDiffusion(start, on: device, since: began)
    }
    try options.requireSeveralImages()
    if options.recordSteps != nil { throw Failure("--record-steps needs --preset pixel-example", code: 2) }
    if options.dryRun { try ProcessGroup.requireSingle("--dry-run", options.distributed) }
    let group = try ProcessGroup.joined(options.distributed)
    try group.concluding { try train(in: group, on: device, since: began) }
  }

  /// What a run begins with.
  private struct Beginning {
    let plan: TrainingPlan
    let data: TrainingData
    let regularization: TrainingData?
    let model: ModelBundle?
  }

  /// Reads model and data and makes the plan; checks all that can be known before the networks are built.
  private func beginning(warns: Bool) throws -> Beginning {
    let start = try learning.from.map { try Home.model($0, allowsAutoencoder: true) }
    let startsFromAutoencoder = start.map(ModelBundle.isAutoencoder) ?? false
    let model = try start.map {
      startsFromAutoencoder ? try ModelBundle(autoencoder: $0) : try ModelBundle(directory: $0)
    }
    let preset = learning.preset ?? model.flatMap { Preset(of: $0.configuration) }
    let data = try learning.trainingData(preset: preset)
    if warns, case .images(let files, _, _) = data {
      for warning in files.warnings { say("flux: \(learning.data): \(warning)") }
    }
    var plan = TrainingPlan(
      profile: learning.profile, preset: preset, data: data, steps: options.steps, batch: options.batch,
      accumulation: options.accumulate, seed: options.seed, bfloat16: options.precision == .bfloat16,
      start: try start.map { try ModelSource(model: $0) })
    plan.reinitialize = learning.reinitialize || startsFromAutoencoder
    plan.gradientCheckpointing = options.gradientCheckpointing
    plan.aspectBuckets = learning.aspectBuckets ? true : nil
    let regularization = try fineTuning.regularizationData(besides: data, named: learning.data)
    fineTuning.apply(to: &plan, regularization: regularization)
    if let model { plan.keepPaletteSettings(of: model.configuration.autoencoder) }
    try differences.apply(to: &plan)
    do throws(TrainingError) {
      try plan.checkFineTuning()
      try plan.checkAspectBuckets()
      try plan.checkSuperResolution(on: data)
    } catch { throw Failure(error.description, code: 2) }
    if plan.dropStaleLevels(), warns {
      say(
        "flux: the super-resolution levels of --from fit its decoder only and are left out: train them again afterwards"
      )
    }
    return Beginning(plan: plan, data: data, regularization: regularization, model: model)
  }

  /// Trains in the processes of a group; `began` is the start of the command.
  private func train(in group: ProcessGroup, on device: Device, since began: Date) throws {
    let start = try group.together { try beginning(warns: group.isFirst) }
    let (plan, folder) = (start.plan, options.output.url)
    try plan.check(sharedBy: group)
    try group.inFirst {
      try OutputFile.checkFolder(folder)
      try learning.refuseRun(
        folder, inside: ["--data": learning.data, "--regularization": fineTuning.regularization?.text])
    }
    if options.dryRun {
      let forecast = try Trainer.forecast(
        plan, on: start.data, regularization: start.regularization, from: start.model,
        textEncoder: Home.textEncoder, device: device, winograd: options.convolutions.winograd)
      try forecast.save(in: folder)
      return try printLine(forecast.text)
    }
    let trainer = try group.together {
      try Trainer(
        plan, on: start.data, regularization: start.regularization, from: start.model,
        textEncoder: Home.textEncoder, cache: options.cache?.url, device: device, group: group,
        winograd: options.convolutions.winograd)
    }
    if group.isFirst { trainer.onWarning = { say("flux: \($0)") } }
    if !options.quiet, group.isFirst {
      say(trainer.summary)
      trainer.onMessage = { say($0) }
    }
    (trainer.storage, trainer.samplesEvery) = (options.storage, options.sampleEvery)
    try takeSteps(
      of: trainer, in: folder, since: began, on: device, result: trainer.result(in: folder), failures: trainer.failures)
  }

  /// Runs the steps that are left, and says what came of them; `failures` are asked for after that.
  func takeSteps(
    of trainer: some TrainingLoop, in folder: URL, since began: Date, on device: Device, result: URL,
    failures: @autoclosure () -> [String]
  ) throws {
    let saving = TrainingRun.Saving(
      every: options.saveEvery, kept: options.keep, moments: !options.noMoments, shardBytes: options.shardSize << 20)
    let outcome = try TrainingRun(trainer, in: folder, saving: saving).run(
      quiet: options.quiet, since: began, limit: options.timeLimit)
    report(failures())
    if trainer.group.isFirst {
      if !options.quiet { say(Forecast.memoryReport(in: folder, device)) }
      if FileManager.default.fileExists(atPath: result.path) { try printLine(result.path) }
    }
    try outcome.conclude(of: trainer.stepCount, group: trainer.group)
  }

  /// Lists images that could not be read and were replaced by others.
  private func report(_ failures: [String]) {
    if failures.isEmpty { return }
    say("\(failures.count) image\(failures.count == 1 ? "" : "s") could not be read:")
    for failure in failures.prefix(10) { say("  \(failure)") }
    if failures.count > 10 { say("  and \(failures.count - 10) more: see flux data check \(learning.data)") }
  }
}
