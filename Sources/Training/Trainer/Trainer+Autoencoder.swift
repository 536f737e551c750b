import Diffusion
import Flux
import Models
import NN
import Scenes
import Support
import Torch

// Autoencoder steps: on windows, and on whole images jointly with the U-Net.

extension Trainer {
  /// A step on windows near objects: a quarter of the cost of whole images, with most of the difficult content.
  func autoencoderStep(_ step: Int) throws -> [String: Double] {
    let batch = plan.batch(of: .autoencoder)
    let range = step * batch..<(step + 1) * batch
    let chosen = try loadOwn(.autoencoder, range, size: baseSize, pieces: plan.accumulation)
    let side = model.configuration.latentSize
    var random = SplitMix64(seed: plan.seed &* 16 &+ Purpose.windows.rawValue, index: UInt64(step))
    let choices = (0..<batch).map { _ in ExampleBatch.WindowChoice(&random) }
    let own = group.own(0..<batch, pieces: plan.accumulation).flatMap { choices[$0] }
    let (images, labels) = chosen.windows(side: side, window: side / 2, own)
    return try reconstruct(images, labels, step).values
  }

  /// A step on whole images that also trains the U-Net on their latents; gradients are stopped at the latents.
  func jointStep(_ step: Int) throws -> [String: Double] {
    let batch = plan.batch(of: .joint)
    let range = step * batch..<(step + 1) * batch
    let pieces = plan.accumulation
    let chosen = try loadOwn(.joint, range, size: baseSize, pieces: pieces)
    let (values, latents) = try reconstruct(chosen.images, chosen.labels, step)
    let own = group.own(0..<batch, pieces: pieces)
    let text = captions(chosen.captions, .joint, range.lowerBound, of: batch, at: own)
    let example = Example(
      latents: noised(group.gathered(latents, pieces: pieces), generator(step, .joint)),
      captions: group.gathered(text.captions, pieces: pieces), masks: group.gathered(text.masks, pieces: pieces),
      labels: chosen.labels.map { group.gathered($0.to(device), pieces: pieces) }, ids: chosen.ids)
    return try values.merging(diffusionStep(step, [example])) { first, _ in first }
  }

  /// One update of encoder and decoder with this process's images; also returns their normalized latents, detached.
  private func reconstruct(
    _ images: Tensor, _ labels: Tensor?, _ step: Int
  ) throws -> (values: [String: Double], latents: Tensor) {
    let generator = generator(step, .reconstruction)
    var values: [String: Double] = [:]
    var latents: [Tensor] = []
    let range = plan.range(over: [.autoencoder, .joint])
    let onDevice = images.to(device)
    let allLabels = labels.map { $0.to(device).pieces(plan.accumulation) }
    let pieces = onDevice.pieces(plan.accumulation)
    for (index, piece) in pieces.enumerated() {
      let share = Double(piece.shape[0]) / Double(onDevice.shape[0])  // the last micro-batch may be smaller
      let (decoded, naming, clean) = inPrecision {
        let raw = model.autoencoder.encodeRaw(piece.channelsLast()).to(.float32)
        LatentStatistics.update(model.autoencoder, raw: raw, count: step, group: group)
        let clean = model.autoencoder.normalized(raw)
        let noisy = (clean + decoderNoise(clean.shape, generator)).channelsLast()
        let decoded = model.autoencoder.decoder(noisy)
        let naming =
          plan.latentAlignment > 0
          ? allLabels.map {
            networks.alignment.loss(
              noisy, through: networks.alignment.latents, $0[index], among: group.gathered($0[index]))
          } : nil
        return (decoded, naming, clean)
      }
      let kind = reconstructionLoss(at: step, in: range)
      let reconstruction = AutoencoderLoss.loss(decoded.pixels, piece, kind)
      var total = reconstruction + clean.square().mean() * 1e-4 + AutoencoderLoss.tailPenalty(clean)
      if let naming { total = total + naming * plan.latentAlignment }
      if let bounds = AutoencoderLoss.palettePenalty(decoded, model.autoencoder.decoder, group: group) {
        total = total + bounds
      }
      if plan.equivariance > 0, step % 4 == 0 {
        total = total + halvedLoss(clean, piece, generator, kind) * plan.equivariance
      }
      try accumulate(
        total, share, step, "autoencoder loss", completes: index == pieces.count - 1 ? networks.autoencoder : nil)
      add(["reconstruction": reconstruction, "latentAlignment": naming], share, to: &values)
      latents.append(clean.detached())
      if step % 20 == 0 {
        values["psnr", default: 0] += share * AutoencoderLoss.psnr(decoded.pixels, piece)
        if index == 0 { values.merge(paletteHealth(decoded)) { $1 } }
      }
    }
    try update(
      networks.autoencoder, plan.autoencoderLearningRate * plan.learningRateFactor(at: step, in: range), step,
      "autoencoder loss",
      norm: "gradientNorm", to: &values)
    let all = Tensor.cat(latents)
    if step % 20 == 0 {
      let health = LatentMetrics(group.gathered(all))
      values.merge(health.values) { $1 }
      if detectsCollapse, step > 500, let collapse = health.collapse {
        throw group.failure(TrainingError.collapsed(step: step, collapse))
      }
    }
    return (values, all)
  }

  /// The reconstruction loss at a step: the late one after a fraction of the steps.
  private func reconstructionLoss(at step: Int, in range: Range<Int>) -> AutoencoderLoss.Kind {
    Double(step - range.lowerBound) < plan.lateLoss * Double(range.count) ? .early : .late
  }

  /// The reconstruction loss of half-size images from half-size latents: scale-equivariant latents are easier to generate
  /// (EQ-VAE, Kouzelis et al., 2025, arXiv 2502.09509).
  private func halvedLoss(
    _ latents: Tensor, _ images: Tensor, _ generator: Generator, _ kind: AutoencoderLoss.Kind
  ) -> Tensor {
    let small = latents.avgPool2d(2)
    let decoded = inPrecision {
      model.autoencoder.decoder((small + decoderNoise(small.shape, generator)).channelsLast())
    }
    return AutoencoderLoss.loss(decoded.pixels, images.avgPool2d(2), kind)
  }

  /// Early indicators of instability of a palette decoder; empty for other decoders.
  private func paletteHealth(_ decoded: DecoderOutput) -> [String: Double] {
    guard let decoder = model.autoencoder.decoder as? PaletteDecoder, let fields = decoded.fields else { return [:] }
    return withNoGrad {
      let rms = decoded.features.to(.float32).square().mean().sqrt().item()
      let usage = decoder.usage(of: fields).doubles()
      if detectsCollapse {
        if rms > 3 { onWarning("the input of the palette head has an RMS of \(rms) (runs diverge soon after 3)") }
        if let least = usage.min(), least < 0.01 { onWarning("a palette color covers only \(least) of the image") }
      }
      var values = ["headInput": rms]
      for (color, share) in usage.enumerated() { values["color\(color)"] = share }
      return values
    }
  }

  // MARK: - Noise

  /// Gaussian noise for the decoder's latents: a little always, more for half of them.
  ///
  /// It is drawn for the images of all processes, each of which takes its own.
  func decoderNoise(_ own: [Int], _ generator: Generator) -> Tensor {
    let shape = [own[0] * group.count] + own.dropFirst()
    let wide = Tensor.randn([shape[0], 1, 1, 1], generator: generator).abs() * plan.latentNoiseWide
    let chosen = (Tensor.rand([shape[0], 1, 1, 1], generator: generator) .< 0.5).to(.float32)
    let noise = Tensor.randn(shape, generator: generator) * (wide * chosen + plan.latentNoise)
    return group.own(noise).to(device)
  }
}
