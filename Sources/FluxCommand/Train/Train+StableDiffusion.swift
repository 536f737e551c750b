import Flux
import Foundation
import Runs
import Torch
import Training

// LoRAs for models of Stable Diffusion's family, which have a trainer of their own.

extension Train {
  /// The options that apply to models of Stable Diffusion, by their long names.
  private static let applicableToStableDiffusion: Set<String> = [
    "from", "data", "crop", "aspect-buckets", "mirror", "folder-repeats", "regularization", "regularization-weight",
    "train", "unet-learning-rate", "text-encoder-learning-rate",
    "lora-rank", "lora-alpha", "lora-targets", "resolution", "size", "learning-rate", "weight-decay", "adam-beta2",
    "max-grad-norm", "warmup", "cooldown", "caption-dropout", "prediction", "loss", "min-snr", "output", "steps",
    "batch", "accumulate", "gradient-checkpointing", "seed", "save-every", "keep", "no-moments", "shard-size",
    "sample-every",
    "time-limit", "precision", "storage", "device", "threads", "distributed", "winograd", "no-winograd", "dry-run",
    "quiet",
  ]

  /// Trains a LoRA for a model of Stable Diffusion; `began` is the start of the command.
  func trainStableDiffusion(_ start: URL, on device: Device, since began: Date) throws {
    guard let rank = fineTuning.loraRank else {
      throw Failure(
        "\(start.lastPathComponent) is a model of Stable Diffusion, of which Flux trains LoRAs, not the weights: add "
          + "--lora-rank N, such as 16", code: 2)
    }
    try Arguments.refuseOptions(
      except: Self.applicableToStableDiffusion,
      "a LoRA of Stable Diffusion is trained without stages, presets and scenes, so not all options apply")
    if learning.data == "scenes" { throw Failure(StableTrainingError.scenes.description, code: 2) }
    let data = try learning.trainingData(preset: nil)
    if case .images(let files, _, _) = data {
      for warning in files.warnings { say("flux: \(learning.data): \(warning)") }
    }
    let regularization = try fineTuning.regularizationData(besides: data, named: learning.data)
    let folder = options.output.url
    try OutputFile.checkFolder(folder)
    try learning.refuseRun(
      folder, inside: ["--data": learning.data, "--regularization": fineTuning.regularization?.text])
    let family = StableDiffusionModel.Options(prediction: differences.prediction)
    let model = try StableDiffusionModel(
      StableDiffusionFiles(start), vocabulary: Installation.clipVocabulary, family,
      residency: device == .cpu || options.dryRun ? .needed : .all)
    let plan = try stablePlan(rank, start, data, regularization, own: model.geometry.imageSize)
    do {
      if options.dryRun { return try foretell(plan, data, regularization, model, start, device) }
      let trainer = try StableTrainer(
        plan, on: data, regularization: regularization, model: model, device: device,
        winograd: options.convolutions.winograd)
      try train(trainer, in: folder, since: began)
    } catch let error as StableTrainingError { throw Failure(error.description, code: 2) }
  }

  /// The settings of the run; `own` is the side of the model's images.
  private func stablePlan(
    _ rank: Int, _ start: URL, _ data: TrainingData, _ regularization: TrainingData?, own: Int
  ) throws -> StableTrainingPlan {
    if let size = differences.size, let resolution = differences.resolution, size != resolution {
      throw Failure("--size \(size) and --resolution \(resolution) are the same setting: give one of them", code: 2)
    }
    var plan = StableTrainingPlan(
      start: try ModelSource(model: start), data: data,
      lora: .init(rank: rank, alpha: fineTuning.loraAlpha, targets: fineTuning.loraTargets?.targets),
      size: differences.size ?? differences.resolution ?? own, trained: fineTuning.train?.networks ?? [.unet],
      seed: options.seed)
    plan.regularization = regularization.map {
      StableTrainingPlan.Regularization($0, weight: fineTuning.regularizationWeight ?? 1)
    }
    plan.aspectBuckets = learning.aspectBuckets ? true : nil
    plan.prediction = differences.prediction
    plan.textEncoderLearningRate = fineTuning.textEncoderLearningRate
    plan.minSNR = differences.minSNR.flatMap { $0 == 0 ? nil : $0 }
    (plan.accumulation, plan.bfloat16) = (options.accumulate, options.precision == .bfloat16)
    plan.gradientCheckpointing = options.gradientCheckpointing
    func set<T>(_ field: WritableKeyPath<StableTrainingPlan, T>, _ value: T?) {
      if let value { plan[keyPath: field] = value }
    }
    set(\.steps, options.steps)
    set(\.batch, options.batch)
    set(\.learningRate, fineTuning.unetLearningRate ?? differences.diffusionLearningRate)
    set(\.weightDecay, differences.weightDecay)
    set(\.beta2, differences.beta2)
    set(\.maxGradNorm, differences.maxGradNorm.map { $0 == 0 ? .greatestFiniteMagnitude : $0 })
    set(\.warmup, differences.warmup)
    set(\.cooldown, differences.cooldown)
    set(\.captionDropout, differences.captionDropout)
    set(\.lossType, differences.lossType)
    do {
      try plan.validate()
    } catch { throw Failure(error.description, code: 2) }
    return plan
  }

  /// Prints what the run would take, from the headers of the weights and the speed of this machine.
  private func foretell(
    _ plan: StableTrainingPlan, _ data: TrainingData, _ regularization: TrainingData?, _ model: StableDiffusionModel,
    _ start: URL, _ device: Device
  ) throws {
    let speed = MatmulThroughput.measure(on: device, plan.bfloat16 ? .bfloat16 : .float32)
    let forecast = try StableTrainer.forecast(
      plan, on: data, regularization: regularization, model: model, summary: ModelSummary(start), speed: speed,
      device: device, winograd: options.convolutions.winograd)
    try forecast.save(in: options.output.url)
    try printLine(forecast.text)
  }

  /// Runs the steps that are left.
  private func train(_ trainer: StableTrainer, in folder: URL, since began: Date) throws {
    trainer.onWarning = { say("flux: \($0)") }
    if !options.quiet { say(trainer.summary) }
    (trainer.storage, trainer.samplesEvery) = (options.storage, options.sampleEvery)
    try takeSteps(
      of: trainer, in: folder, since: began, on: trainer.device, result: trainer.result(in: folder),
      failures: trainer.failures)
  }
}
