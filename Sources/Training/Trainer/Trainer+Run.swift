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
///     nearest.png                          samples over the training images that they are nearest to
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
    follow(checkpoint.record, isLonger: checkpoint.isLonger)
  }

  /// The same for a process that did not read the checkpoint.
  public func follow(_ record: TrainingCheckpoint.Record, isLonger: Bool) {
    if isLonger {
      plan.lengthen(from: record.steps, ends: record.stageEnds)
    } else {
      plan.stageEnds = record.stageEnds
    }
  }

  // MARK: - Steps

  /// Name of the stage that a step belongs to.
  public func stage(at step: Int) -> String { plan.stage(at: step).name }

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
}
