import Diffusion
import NN
import Optimizers
import Runs
import Support
import Torch

// One update of the factors.

extension StableTrainer {
  /// One update; returns the loss, the gradient's norm and the fraction of the time that was spent on images.
  func train(_ step: Int) throws -> [String: Double] {
    func waited() -> Double { sources.reduce(0) { $0 + $1.latents.seconds } }
    let (watch, before) = (Stopwatch(), waited())
    let batches = try sources.map { try $0.batch(step) }
    var values = try learn(batches, step, generator(step))
    values["dataWait"] = (waited() - before) / watch.seconds
    return values
  }

  /// An update with batches at timesteps and noise of a generator; the learning rate is that of the step.
  func learn(_ batches: [StableExamples.Batch], _ step: Int, _ generator: Generator) throws -> [String: Double] {
    let value = try accumulate(batches, step, generator)
    let rate = LearningRate(warmup: plan.warmup, decay: .linear(share: plan.cooldown))
      .share(at: step, in: 0..<plan.steps)
    do throws(Optimizer.NotFinite) {
      let norm = try loras.optimizer.step(learningRate: plan.learningRate * rate * restartShare(at: step))
      return ["diffusion": value, "denoiserGradientNorm": norm]
    } catch {
      throw RunError.notFinite(
        step: step, what: "gradient of the diffusion loss", value: error.norm.shown, layer: error.key,
        examples: batches.flatMap(\.ids))
    }
  }

  /// The sum of the batches' losses, whose gradients the factors then have.
  func accumulate(_ batches: [StableExamples.Batch], _ step: Int, _ generator: Generator) throws -> Double {
    loras.merge()
    let sum = try batches.reduce(0) { try $0 + $1.weight * backpropagate($1, step, generator) }
    loras.passGradients()
    return sum
  }

  /// The loss of a batch; its gradients, times its weight, are added to those of the merged weights.
  private func backpropagate(_ batch: StableExamples.Batch, _ step: Int, _ generator: Generator) throws -> Double {
    let noisy = loss.noisyBatch(clean: batch.latents, generator: generator, tables: tables)
    let count = batch.captions.count
    let part = (count + plan.accumulation - 1) / plan.accumulation
    var sum = 0.0
    for start in stride(from: 0, to: count, by: part) {
      let rows = start..<min(start + part, count)
      let share = Double(rows.count) / Double(count)
      let total = try denoisingLoss(noisy, batch.captions, rows)
      let value = total.item()
      guard value.isFinite else {
        let layer = try firstFault { _ = try denoisingLoss(noisy, batch.captions, rows) }
        throw RunError.notFinite(
          step: step, what: "diffusion loss", value: value.shown, layer: layer, examples: batch.ids)
      }
      (total * (batch.weight * share)).backward()
      sum += share * value
    }
    return sum
  }

  /// The loss of some rows of a batch.
  private func denoisingLoss(
    _ batch: DiffusionLoss.NoisyBatch, _ captions: [String], _ rows: Range<Int>
  ) throws -> Tensor {
    try GradientCheckpointing.$isOn.withValue(plan.gradientCheckpointing) {
      try withWinograd(enabled: winograd) {
        try withAutocast(device, enabled: plan.bfloat16) {
          let text = try self.captions(Array(captions[rows]))
          let output = model.predict(batch.noisy[rows].channelsLast(), at: batch.timesteps[rows], text)
          return loss(output, batch.target[rows], weights: batch.weights?[rows])
        }
      }
    }
  }

  /// The first layer whose output is not finite, and its class.
  private func firstFault(in body: () throws -> Void) throws -> String? {
    guard let fault = try LayerProbe.firstFault(in: body) else { return nil }
    let key = model.networks.lazy.compactMap { name, network in
      network.parameters.first { $0.tensor === fault.weight }.map { "\($0.key) of the \(name)" }
    }.first
    return "\(key ?? "a layer") (\(fault.type))"
  }
}
