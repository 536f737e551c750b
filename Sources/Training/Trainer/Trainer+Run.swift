import Flux
import Foundation
import Images
import Models
import NN
import Runs
import Support
import Torch

/// What a run saves of a model in training, beside log and checkpoints.
///
///     model/                               the current model, with EMA weights
///     model-ema-WIDTH/                     at the end, a model for each further EMA
///     lora.safetensors                     in place of both in a run that trains a LoRA
///     reconstructions.png, samples.png     previews
extension Trainer: TrainingLoop {
  public var identity: PlanIdentity { PlanIdentity(plan) }
  public var stepCount: Int { plan.steps }
  public var restartSteps: Int { plan.restartSteps }
  public var weights: [NamedTensor] { networks.weights }
  public var moments: [NamedTensor] { networks.moments }

  /// The ends of the stages of a run that was extended.
  public var metadata: [String: String] {
    plan.stageEnds.map { ["stageEnds": $0.map(String.init).joined(separator: ",")] } ?? [:]
  }

  /// Names of networks in version 0.1.
  public var olderKeys: [String: String] {
    ["autoencoder.": "core.", "super_resolution.": "enlarger.", "full_decoder.": "painter.", "ema ": "average "]
  }

  /// Takes over the ends of the stages.
  public func resume(_ checkpoint: TrainingCheckpoint.Contents) throws {
    let record = checkpoint.record
    if checkpoint.isLonger {
      plan.lengthen(from: record.steps, ends: record.stageEnds)
    } else {
      plan.stageEnds = record.stageEnds
    }
  }

  // MARK: - Steps

  /// Name of the stage that a step belongs to.
  public func stage(at step: Int) -> String { plan.stage(at: step).rawValue }

  /// Throws if the latent cache belongs to other data or another encoder.
  public func check(at step: Int) throws { try checkCache(at: step) }

  /// Fills the pool of latents if the step needs it; false if that was stopped.
  public func isReady(for step: Int, unless shouldStop: () -> Bool) throws -> Bool {
    guard pool == nil, plan.stage(at: step) == .diffusion else { return true }
    return try filledPool(at: step, shouldStop: shouldStop) != nil
  }

  /// Runs a step; its metrics include the fraction of its time that was spent waiting for images.
  public func takeStep(_ step: Int) throws -> [String: Double] {
    let (begun, before) = (Date(), dataWaitSeconds)
    var values = try train(step)
    values["dataWait"] = (dataWaitSeconds - before) / Date().timeIntervalSince(begun)
    return values
  }

  /// Metrics that stay on the device until they are read.
  public func lateMetrics() throws -> [String: Double] { try readDeferred() }

  /// Throws if a loss or gradient that stayed on the device is not finite.
  public func checkSteps() throws { try checkDeferred() }

  // MARK: - Results

  /// Writes the model or LoRA with EMA weights.
  public func saveModel(in folder: URL) throws {
    try networks.withEMAWeights { try save(to: result(in: folder)) }
  }

  /// Writes a model for each further EMA: which width is best only their images show.
  public func saveFurtherModels(in folder: URL) throws {
    for ema in networks.emas.dropFirst() {
      try networks.withWeights(of: ema) { try save(to: result(in: folder, "-ema-\(ema.decay)")) }
    }
  }

  /// The model directory that a run writes into its folder, or the file of the LoRA that it trains.
  public func result(in folder: URL) -> URL { result(in: folder, "") }

  private func result(in folder: URL, _ suffix: String) -> URL {
    folder.appendingPathComponent(plan.lora == nil ? "model\(suffix)" : "lora\(suffix).safetensors")
  }

  /// Writes the model with its current weights, or the LoRA, and replaces an older one.
  private func save(to result: URL) throws {
    if let lora = networks.denoised.file {
      return try lora.save(to: result, as: storage == .float32 ? .float32 : .bfloat16)
    }
    try AtomicFolder.write(result) { url throws(CheckpointError) in
      try model.save(to: url, as: storage)
    }
  }

  /// Writes a contact sheet of images and their reconstructions.
  public func savePreviews(after step: Int, in folder: URL, _ log: TrainingLog) throws {
    let size = model.configuration.imageSize
    let images = try load(.preview, 0..<8, size: size).images
    let decoded = withNoGrad { model.autoencoder.decode(model.autoencoder.encode(images)) }
    let sheet = ContactSheet.lay(
      TensorImage.images(images.to(.cpu)) + TensorImage.images(decoded.to(.cpu)), columns: 8)
    try show(sheet, "reconstructions", step, folder, log)
  }

  /// Writes samples at intervals and after the last step.
  public func report(after step: Int, isSaved: Bool, in folder: URL, _ log: TrainingLog) throws {
    guard samplesEvery > 0, step % samplesEvery == 0 || step == plan.steps else { return }
    try saveSamples(step, folder, log)
  }

  /// Writes samples for the captions of the first eight images, always from the same noise.
  private func saveSamples(_ step: Int, _ folder: URL, _ log: TrainingLog) throws {
    guard step > plan.range(of: .joint).lowerBound, plan.stage(at: step - 1) != .autoencoder else { return }
    let captions = try examples.batch(.preview, 0..<8, size: 8).captions
    let pipeline = Pipeline(model: model, prompts: prompts, source: ModelSource(name: "training", hash: ""))
    let images = try networks.withEMAWeights {
      try captions.enumerated().map { index, caption in
        var request = GenerationRequest(prompt: caption, seed: UInt64(index), steps: 12)
        if plan.captionDropout == 0 { request.guidance.scale = 1 }  // it never learned what the empty caption means
        return try pipeline.generate(request).image
      }
    }
    try show(ContactSheet.lay(images, columns: 4), "samples", step, folder, log)
  }

  private func show(_ sheet: Image, _ name: String, _ step: Int, _ folder: URL, _ log: TrainingLog) throws {
    let png = try PNG.encode(sheet)
    try AtomicFile.write(png, to: folder.appendingPathComponent("\(name).png"))
    try log.add(name, png: png, width: sheet.width, height: sheet.height, step: step)
  }
}
