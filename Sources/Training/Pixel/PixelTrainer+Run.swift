import Diffusion
import Flux
import Foundation
import Images
import NN
import Runs
import Support
import Torch

/// What a run saves of the pixel-space example, beside log and checkpoints.
///
///     model/                    the current model
///     samples.png               images of the first eight captions
///     record/                   the first steps, to repeat them in another program (`PixelRecord`)
extension PixelTrainer: TrainingLoop {
  public var identity: PlanIdentity { PlanIdentity(plan) }
  public var stepCount: Int { plan.steps }
  /// The horizon of Adam's second moments.
  public var restartSteps: Int { 1000 }
  public var weights: [NamedTensor] { model.network.parameters }
  public var moments: [NamedTensor] { optimizer.state }

  /// With a constant learning rate, a run that got more steps simply goes on.
  public func resume(_ checkpoint: TrainingCheckpoint.Contents) throws {
    let hasMoments = moments.contains { checkpoint.tensors.info($0.key) != nil }
    if checkpoint.isLonger, hasMoments { restarted = checkpoint.record.restarted }
  }

  // MARK: - Steps

  /// There is one stage.
  public func stage(at step: Int) -> String { "diffusion" }

  /// Throws if steps are to be recorded that an earlier session has done.
  public func check(at step: Int) throws {
    if step > 0, recordedSteps > 0 { throw TrainingError.recordOfContinuedRun(step: step) }
  }

  /// Runs a step and returns its loss.
  public func takeStep(_ step: Int) throws -> [String: Double] { try train(step) }

  // MARK: - Results

  /// Writes the model.
  public func saveModel(in folder: URL) throws {
    try AtomicFolder.write(folder.appendingPathComponent("model")) { url throws(CheckpointError) in
      try model.save(to: url, as: storage)
    }
  }

  /// Writes samples at intervals and after the last step, and the record when its steps are done.
  public func report(after step: Int, isSaved: Bool, in folder: URL, _ log: TrainingLog) throws {
    if step == recordedSteps { try record.write(to: folder.appendingPathComponent("record"), from: initialModel) }
    guard samplesEvery > 0, step % samplesEvery == 0 || step == plan.steps else { return }
    let captions = try examples.batch(.preview, 0..<8, size: 8).captions
    let pipeline = PixelPipeline(
      model: model, tokenizer: tokenizer, source: ModelSource(name: "training", hash: ""), device: device)
    let images = try captions.enumerated().map { index, caption in
      let request = GenerationRequest(
        prompt: caption, seed: UInt64(index), steps: 20, sampler: .ddim, guidance: Guidance(scale: 1))
      return try pipeline.generate(request)[0].image
    }
    let sheet = ContactSheet.lay(images, columns: 4)
    let png = try PNG.encode(sheet)
    try AtomicFile.write(png, to: folder.appendingPathComponent("samples.png"))
    try log.add("samples", png: png, width: sheet.width, height: sheet.height, step: step)
  }
}
