import Diffusion
import Flux
import Models
import NN
import Optimizers
import Support
import Torch

// One function for each stage: what a step of it does.

extension Trainer {
  /// Runs a step and returns what it measured.
  ///
  /// A loss that is not finite stops the run; the step is then made again under a probe that names the first layer at
  /// fault.
  func train(_ step: Int) throws -> [String: Double] {
    do {
      return try perform(step)
    } catch TrainingError.notFinite(let step, let what, let value, nil, let examples) {
      let fault = LayerProbe.firstFault { _ = try? perform(step) }
      let key = fault.flatMap { fault in networks.state.first { $0.tensor === fault.weight }?.key }
      let layer = fault.map { "\(key ?? "a layer") (\($0.type))" }
      throw TrainingError.notFinite(step: step, what: what, value: value, layer: layer, examples: examples)
    }
  }

  private func perform(_ step: Int) throws -> [String: Double] {
    switch plan.stage(at: step) {
    case .autoencoder: try autoencoderStep(step)
    case .joint: try jointStep(step)
    case .superResolution: try superResolutionStep(step)
    case .decoder: try decoderStep(step)
    case .diffusion: try diffusionStep(step, pooled(step))
    }
  }

  /// Windows near objects: a quarter of the work of whole pictures, with nearly all of what is hard.
  private func autoencoderStep(_ step: Int) throws -> [String: Double] {
    let batch = plan.batch(of: .autoencoder)
    let chosen = try load(.autoencoder, step * batch..<(step + 1) * batch, size: coreSize)
    let side = model.configuration.latentSize
    var random = SplitMix64(seed: plan.seed &* 16 &+ Purpose.windows.rawValue, index: UInt64(step))
    let (pictures, labels) = chosen.windows(side: side, window: side / 2, &random)
    return try reconstruct(pictures, labels, step).values
  }

  /// Whole pictures, whose latents the U-Net learns from in the same step; no gradient goes from it to the encoder.
  private func jointStep(_ step: Int) throws -> [String: Double] {
    let batch = plan.batch(of: .joint)
    let range = step * batch..<(step + 1) * batch
    let chosen = try load(.joint, range, size: coreSize)
    let (values, latents) = try reconstruct(chosen.pictures, chosen.labels, step)
    let text = captions(chosen.captions, .joint, range.lowerBound)
    let example = Example(
      latents: noised(latents, generator(step, .joint)), states: text.states, masks: text.masks,
      labels: chosen.labels?.to(device), ids: chosen.ids)
    return try values.merging(diffusionStep(step, example)) { first, _ in first }
  }

  /// One update of encoder and decoder; also gives the normalised latents, without their gradient.
  private func reconstruct(
    _ pictures: Tensor, _ labels: Tensor?, _ step: Int
  ) throws -> (values: [String: Double], latents: Tensor) {
    let generator = generator(step, .reconstruction)
    var values: [String: Double] = [:]
    var latents: [Tensor] = []
    let range = plan.range(over: [.autoencoder, .joint])
    let onDevice = pictures.to(device)
    let allLabels = labels.map { $0.to(device).pieces(plan.accumulation) }
    for (index, piece) in onDevice.pieces(plan.accumulation).enumerated() {
      let share = Double(piece.shape[0]) / Double(onDevice.shape[0])  // the last piece may be smaller
      let (painting, naming, clean) = inPrecision {
        let raw = model.autoencoder.encodeRaw(piece.channelsLast()).to(.float32)
        LatentStatistics.update(model.autoencoder, raw: raw, count: step)
        let clean = model.autoencoder.normalised(raw)
        let noisy = (clean + decoderNoise(clean.shape, generator)).channelsLast()
        let painted = model.autoencoder.decoder(noisy)
        let naming =
          plan.latentAlignment > 0
          ? allLabels.map { networks.alignment.loss(noisy, through: networks.alignment.latents, $0[index]) } : nil
        return (painted, naming, clean)
      }
      let kind = reconstructionLoss(at: step, in: range)
      let reconstruction = AutoencoderLoss.loss(painting.pixels, piece, kind)
      var total = reconstruction + clean.square().mean() * 1e-4 + AutoencoderLoss.tailPenalty(clean)
      if let naming { total = total + naming * plan.latentAlignment }
      if let bounds = AutoencoderLoss.palettePenalty(painting, model.autoencoder.decoder) { total = total + bounds }
      if plan.equivariance > 0, step % 4 == 0 {
        total = total + halvedLoss(clean, piece, generator, kind) * plan.equivariance
      }
      try accumulate(total, share, step, "autoencoder loss")
      add(["reconstruction": reconstruction, "latentNames": naming], share, to: &values)
      latents.append(clean.detached())
      if step % 20 == 0 {
        values["decibels", default: 0] += share * AutoencoderLoss.decibels(painting.pixels, piece)
        if index == 0 { values.merge(paletteHealth(painting)) { $1 } }
      }
    }
    values["gradientNorm"] = try update(
      networks.autoencoder, plan.autoencoderRate * plan.rate(at: step, in: range), step, "autoencoder loss")
    let all = Tensor.cat(latents)
    if step % 20 == 0 {
      let health = LatentHealth(all)
      values.merge(health.values) { $1 }
      if watchesCollapse, step > 500, let collapse = health.collapse {
        throw TrainingError.collapsed(step: step, collapse)
      }
    }
    return (values, all)
  }

  /// The loss that the autoencoder's step has: the late one after a share of its steps.
  private func reconstructionLoss(at step: Int, in range: Range<Int>) -> AutoencoderLoss.Kind {
    Double(step - range.lowerBound) < plan.lateLoss * Double(range.count) ? .early : .late
  }

  /// The reconstruction loss of halved images from halved latents: latents that scale as images do are easier to
  /// generate (EQ-VAE, Kouzelis et al., 2025, arXiv 2502.09509).
  private func halvedLoss(
    _ latents: Tensor, _ pictures: Tensor, _ generator: Generator, _ kind: AutoencoderLoss.Kind
  ) -> Tensor {
    let small = latents.avgPool2d(2)
    let painted = inPrecision {
      model.autoencoder.decoder((small + decoderNoise(small.shape, generator)).channelsLast())
    }
    return AutoencoderLoss.loss(painted.pixels, pictures.avgPool2d(2), kind)
  }

  /// What tells early that a palette decoder goes wrong; empty for others.
  private func paletteHealth(_ painting: Painting) -> [String: Double] {
    guard let decoder = model.autoencoder.decoder as? PaletteDecoder, let fields = painting.fields else { return [:] }
    return withNoGrad {
      let rms = painting.features.to(.float32).square().mean().sqrt().item()
      let usage = decoder.usage(of: fields).doubles()
      if watchesCollapse {
        if rms > 3 { notice("the palette head's input has grown to \(rms) (above 3 a run soon diverges)") }
        if let least = usage.min(), least < 0.01 { notice("a palette color is used in \(least) of the image only") }
      }
      var values = ["headInput": rms]
      for (color, share) in usage.enumerated() { values["color\(color)"] = share }
      return values
    }
  }

  /// One update of U-Net and adapter.
  private func diffusionStep(_ step: Int, _ example: Example) throws -> [String: Double] {
    let loss = loss(at: step)
    let question = loss.question(
      clean: example.latents, generator: generator(step, .diffusion), tables: tables(of: loss))
    let range = plan.denoiserSteps
    var values: [String: Double] = [:]
    for piece in DiffusionPiece.cut(example, question, into: plan.accumulation) {
      let share = Double(piece.noisy.shape[0]) / Double(example.latents.shape[0])
      let (denoising, naming, text) = losses(loss, piece, piece.states, piece.masks)
      var total = denoising
      for part in [naming, text].compactMap({ $0 }) { total = total + part * plan.alignment }
      try accumulate(total, share, step, "diffusion loss", ids: example.names)
      add(["diffusion": denoising, "names": naming, "textNames": text], share, to: &values)
      if step % 20 == 0 {
        // What captions are worth: how much worse the same question goes with another picture's caption.
        let others = withNoGrad { losses(loss, piece, piece.states.flipped([0]), piece.masks.flipped([0])).denoising }
        add(["captions": others - denoising], share, to: &values)
      }
    }
    try update(
      networks.denoiser, plan.diffusionRate * plan.rate(at: step, in: range), step, "diffusion loss", ids: example.names
    )
    for average in networks.averages { average.update(count: step - range.lowerBound) }
    return values
  }

  private func losses(
    _ loss: DiffusionLoss, _ piece: DiffusionPiece, _ states: Tensor, _ masks: Tensor
  ) -> (denoising: Tensor, naming: Tensor?, text: Tensor?) {
    let side = model.configuration.latentSize
    let cells = piece.labels.map { Alignment.cellWeights($0, side: side, extra: plan.objectWeight) }
    let weights = cells.map { cells in piece.weights.map { cells * $0 } ?? cells } ?? piece.weights
    return inPrecision {
      let (context, pooled) = model.adapter(states, mask: masks)
      let features = model.unet.features(
        piece.noisy.channelsLast(), timesteps: piece.timesteps, context: context, contextMask: masks,
        classLabels: pooled)
      let labels = plan.alignment > 0 ? piece.labels : nil
      return (
        loss(model.unet.predict(features), piece.target, weights: weights),
        labels.map { networks.alignment.loss(features, through: networks.alignment.features, $0) },
        labels.map { networks.alignment.textLoss(pooled, $0) }
      )
    }
  }

  // MARK: - Updates

  /// Back-propagates a piece that is `share` of its batch; a loss that is not finite stops the run.
  func accumulate(
    _ total: Tensor, _ share: Double, _ step: Int, _ what: String, ids: @autoclosure () -> [String] = []
  ) throws {
    if let deferred {
      deferred.watch(loss: total, step, what)
    } else {
      let value = total.item()
      guard value.isFinite else {
        throw TrainingError.notFinite(step: step, what: what, value: "\(value)", layer: nil, examples: ids())
      }
    }
    (total * share).backward()
  }

  /// Updates from the gradients that were accumulated; a gradient that is not finite stops the run.
  ///
  /// Returns the gradient's norm before the limit, where it is known at once.
  @discardableResult
  func update(
    _ optimiser: Optimizer, _ rate: Double, _ step: Int, _ what: String, ids: @autoclosure () -> [String] = []
  ) throws -> Double? {
    if let deferred {
      deferred.update(optimiser, rate * restartShare(at: step), step, what)
      return nil
    }
    do throws(Optimizer.NotFinite) {
      return try optimiser.step(learningRate: rate * restartShare(at: step))
    } catch {
      throw TrainingError.notFinite(
        step: step, what: "gradient of the \(what)", value: "\(error.norm)", layer: error.key, examples: ids())
    }
  }

  func add(_ parts: [String: Tensor?], _ share: Double, to values: inout [String: Double]) {
    if let deferred {
      for case (let name, let part?) in parts { deferred.add(name, part, weight: share) }
      return
    }
    for case (let name, let part?) in parts { values[name, default: 0] += share * part.item() }
  }
}
