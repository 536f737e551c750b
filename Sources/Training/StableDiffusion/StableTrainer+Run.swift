import Diffusion
import Flux
import Foundation
import Images
import NN
import Runs
import Support
import Torch

/// What a run saves of a LoRA for Stable Diffusion, beside log and checkpoints.
///
///     lora.safetensors          the LoRA
///     samples.png               images of the first four captions
extension StableTrainer: TrainingLoop {
  public var identity: PlanIdentity { PlanIdentity(plan) }
  public var stepCount: Int { plan.steps }
  /// The horizon of AdamW's second moments, or the warmup of the run if that is longer.
  public var restartSteps: Int { max(plan.warmup, Int((1 / (1 - plan.beta2)).rounded())) }
  public var weights: [NamedTensor] { loras.parameters }
  public var moments: [NamedTensor] { loras.optimizer.state }

  /// With a learning rate that does not fall, a run that got more steps simply goes on.
  public func resume(_ checkpoint: TrainingCheckpoint.Contents) throws {
    let hasMoments = moments.contains { checkpoint.tensors.info($0.key) != nil }
    if checkpoint.isLonger, hasMoments, plan.cooldown == 0 { restarted = checkpoint.record.restarted }
  }

  // MARK: - Steps

  /// There is one stage.
  public func stage(at step: Int) -> String { TrainingPlan.Stage.diffusion.rawValue }

  /// Encodes captions and images before the first step of a session; false if that was stopped.
  public func isReady(for step: Int, unless shouldStop: () -> Bool) throws -> Bool {
    if isPrepared { return true }
    let all = sources.map(\.latents.source).flatMap { source in (0..<source.count).flatMap(source.captions) }
    let cut = Set(all).count { !model.prompts.tokens(of: $0).dropped.isEmpty }
    if cut > 0 {
      onWarning("\(cut) captions have more than \(model.prompts.maxTokens - 2) tokens: their ends are not read")
    }
    isPrepared =
      try captions.fill([""] + all, unless: shouldStop)
      && sources.allSatisfy { try $0.latents.fill(unless: shouldStop) }
    if sources.allSatisfy(\.latents.areAllKept) { model.release(.autoencoder) }
    return isPrepared
  }

  /// Runs a step and returns its metrics.
  public func takeStep(_ step: Int) throws -> [String: Double] { try train(step) }

  // MARK: - Results

  /// The file of the LoRA that a run writes into its folder.
  public func result(in folder: URL) -> URL { folder.appendingPathComponent("lora.safetensors") }

  /// Writes the LoRA.
  public func saveModel(in folder: URL) throws {
    try loras.file.save(to: result(in: folder), as: storage == .float32 ? .float32 : .bfloat16)
  }

  /// Writes samples at intervals and after the last step, always from the same noise.
  public func report(after step: Int, isSaved: Bool, in folder: URL, _ log: TrainingLog) throws {
    guard samplesEvery > 0, step % samplesEvery == 0 || step == plan.steps else { return }
    loras.merge()
    let pipeline = Pipeline(model: model, source: ModelSource(name: "training", hash: ""), device: device)
    let sampling = model.sampling ?? .standard
    let source = examples.latents.source
    let images = try (0..<min(4, source.count)).map { item in
      var request = GenerationRequest(
        prompt: source.caption(item), seed: UInt64(item), steps: sampling.steps, guidance: sampling.guidance,
        width: plan.size, height: plan.size)
      if let sampler = sampling.sampler { request.sampler = sampler }
      return try pipeline.generate(request).image
    }
    let sheet = ContactSheet.lay(images, columns: images.count)
    let png = try PNG.encode(sheet)
    try AtomicFile.write(png, to: folder.appendingPathComponent("samples.png"))
    try log.add("samples", png: png, width: sheet.width, height: sheet.height, step: step)
  }
}
