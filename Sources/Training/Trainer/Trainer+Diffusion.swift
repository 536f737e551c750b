import Diffusion
import Flux
import Models
import NN
import Scenes
import Support
import Torch

// U-Net and adapter.

extension Trainer {
  /// One update of U-Net and adapter by the sum of the batches' losses.
  ///
  /// The first batch has the training images; each is the batch of all processes, which compute with their rows.
  func diffusionStep(_ step: Int, _ batches: [Example]) throws -> [String: Double] {
    networks.denoised.merge()
    let (generator, range) = (generator(step, .diffusion), plan.denoiserSteps)
    var values: [String: Double] = [:]
    for (place, example) in batches.enumerated() {
      try accumulate(example, step, generator, isLast: place == batches.count - 1, to: &values)
    }
    if step % 20 == 0, plan.captionDropout > 0 { values.merge(captionGap(batches[0], step)) { $1 } }
    networks.denoised.passGradients()
    try update(
      networks.denoiser, plan.diffusionLearningRate * plan.learningRateFactor(at: step, in: range), step,
      "diffusion loss", ids: batches.flatMap(\.names), norm: "denoiserGradientNorm", to: &values)
    for ema in networks.emas { ema.update(count: step - range.lowerBound) }
    return values
  }

  /// Adds the gradients of a batch, at timesteps and noise of a generator; the last completes those of the step.
  private func accumulate(
    _ example: Example, _ step: Int, _ generator: Generator, isLast: Bool, to values: inout [String: Double]
  ) throws {
    let loss = loss(at: step)
    let noisyBatch = loss.noisyBatch(clean: example.latents, generator: generator, tables: tables(of: loss))
    let pieces = DiffusionPiece.cut(example, noisyBatch, into: plan.accumulation)
    for (index, whole) in pieces.enumerated() {
      let share = example.weight * Double(whole.noisy.shape[0]) / Double(example.latents.shape[0])
      let piece = whole.part(group.own)
      let (denoising, naming, text) = losses(loss, piece, piece.captions, piece.masks, among: whole.labels)
      var total = denoising
      for part in [naming, text].compactMap({ $0 }) { total = total + part * plan.alignment }
      try accumulate(
        total, share, step, "diffusion loss", ids: example.names,
        completes: isLast && index == pieces.count - 1 ? networks.denoiser : nil)
      add(["diffusion": denoising, "alignment": naming, "textAlignment": text], share, to: &values)
      if step % 20 == 0 {
        // What captions are worth: how much worse the same question goes with another image's caption.
        let (captions, masks) = (group.own(whole.captions.flipped([0])), group.own(whole.masks.flipped([0])))
        let others = withNoGrad { losses(loss, piece, captions, masks, among: whole.labels).denoising }
        add(["captionGap": others - denoising], share, to: &values)
      }
    }
  }

  /// The conditioning of captions, which are states of a frozen text encoder, or the token ids for a trained one.
  private func conditioning(_ captions: Tensor, _ masks: Tensor) -> TextConditioning {
    guard plan.trainsTextEncoder else { return model.adapter(captions, mask: masks) }
    // The CPU skips what no caption of the batch reaches; a GPU would have to wait for the length.
    let length = device == .cpu ? Int(withNoGrad { masks.sum([1]).max().item() }) : masks.shape[1]
    let (ids, mask) = (captions.narrowed(1, 0, length), masks.narrowed(1, 0, length))
    return model.adapter(prompts.states(ids: ids, mask: mask), mask: mask)
  }

  /// How much worse the network does without captions where nearly nothing but the caption says what to draw, at the
  /// times 900 to 980 of 1000: a model whose gap stays at 0 draws from noise alone.
  ///
  /// Not measured where numbers are read late.
  private func captionGap(_ example: Example, _ step: Int) -> [String: Double] {
    guard deferred == nil else { return [:] }
    let count = min(16, example.latents.shape[0])
    let loss = loss(at: step)
    // What the processes cannot share, each of them computes.
    func own(_ x: Tensor) -> Tensor { count.isMultiple(of: group.count) ? group.own(x) : x }
    return withNoGrad {
      let noisyBatch = loss.noisyBatch(
        clean: example.latents[0..<count], generator: generator(step, .captionGap), tables: tables(of: loss),
        within: 0.9...0.98)
      func error(_ captions: Tensor, _ masks: Tensor) -> Double {
        let output = inPrecision {
          model.predict(own(noisyBatch.noisy), at: own(noisyBatch.timesteps), conditioning(own(captions), own(masks)))
        }
        return loss(output, own(noisyBatch.target)).item()
      }
      let empty = captionInput([String](repeating: "", count: count), files: cache?.captions)
      let conditional = error(example.captions[0..<count], example.masks[0..<count])
      return ["error900": conditional, "captionGap900": error(empty.captions, empty.masks) - conditional]
    }
  }

  /// The losses of a part of a micro-batch; `all` are the labels of the whole, which weigh the cells.
  private func losses(
    _ loss: DiffusionLoss, _ piece: DiffusionPiece, _ captions: Tensor, _ masks: Tensor, among all: Tensor?
  ) -> (denoising: Tensor, naming: Tensor?, text: Tensor?) {
    let side = model.configuration.latentSize
    let cells = all.map { group.own(Alignment.cellWeights($0, side: side, extra: plan.objectWeight)) }
    let weights = cells.map { cells in piece.weights.map { cells * $0 } ?? cells } ?? piece.weights
    return inPrecision {
      let text = conditioning(captions, masks)
      let features = model.unet.features(piece.noisy, at: piece.timesteps, text)
      let labels = plan.alignment > 0 ? piece.labels : nil
      return (
        loss(model.unet.predict(features), piece.target, weights: weights),
        labels.map { networks.alignment.loss(features, through: networks.alignment.features, $0, among: all) },
        labels.map { networks.alignment.textLoss(text.pooled, $0, among: all) }
      )
    }
  }
}
