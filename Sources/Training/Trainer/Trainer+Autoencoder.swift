import Diffusion
import Flux
import Models
import NN
import Scenes
import Support
import Torch

// Encoder and decoder: windows, whole images beside the U-Net, and the stages in which only what decodes learns.

extension Trainer {
  /// Windows near objects: a quarter of the work of whole pictures, with nearly all of what is hard.
  func autoencoderStep(_ step: Int) throws -> [String: Double] {
    let batch = plan.batch(of: .autoencoder)
    let chosen = try load(.autoencoder, step * batch..<(step + 1) * batch, size: coreSize)
    let side = model.configuration.latentSize
    var random = SplitMix64(seed: plan.seed &* 16 &+ Purpose.windows.rawValue, index: UInt64(step))
    let (pictures, labels) = chosen.windows(side: side, window: side / 2, &random)
    return try reconstruct(pictures, labels, step).values
  }

  /// Whole pictures, whose latents the U-Net learns from in the same step; no gradient goes from it to the encoder.
  func jointStep(_ step: Int) throws -> [String: Double] {
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
    try update(
      networks.autoencoder, plan.autoencoderRate * plan.rate(at: step, in: range), step, "autoencoder loss",
      norm: "gradientNorm", to: &values)
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

  // MARK: - With the encoder frozen

  /// The levels above the core size learn on crops of a quarter of the area: they are convolutions and need no more.
  func superResolutionStep(_ step: Int) throws -> [String: Double] {
    guard let enlarge = model.autoencoder.superResolution else { return [:] }
    let generator = generator(step, .superResolution)
    let pictures = try wholePictures(.superResolution, .superResolution, step)
    let core = withNoGrad { paint(pictures, generator) }
    let total = enlargement(of: core, to: pictures, generator, by: enlarge)
    let rate = plan.autoencoderRate * plan.rate(at: step, in: plan.range(of: .superResolution))
    try accumulate(total, 1, step, "super-resolution loss")
    var values: [String: Double] = [:]
    try update(networks.superResolution, rate, step, "super-resolution loss", to: &values)
    add(["superResolution": total], 1, to: &values)
    return values
  }

  /// Decoder and levels learn on whole pictures, the levels on crops of them.
  func decoderStep(_ step: Int) throws -> [String: Double] {
    let generator = generator(step, .decoder)
    let pictures = try wholePictures(.decoder, .decoder, step)
    let core = paint(pictures, generator)
    let factor = model.configuration.autoencoder.superResolutionFactor
    let kind: AutoencoderLoss.Kind = plan.lateLoss < 1 ? .late : .early
    let reconstruction = AutoencoderLoss.loss(core.pixels, factor > 1 ? pictures.avgPool2d(factor) : pictures, kind)
    let enlarged = model.autoencoder.superResolution.map { enlargement(of: core, to: pictures, generator, by: $0) }
    var total = enlarged.map { reconstruction + $0 } ?? reconstruction
    if let bounds = AutoencoderLoss.palettePenalty(core, model.autoencoder.decoder) { total = total + bounds }
    let rate = plan.autoencoderRate * plan.rate(at: step, in: plan.range(of: .decoder))
    try accumulate(total, 1, step, "decoder loss")
    var values: [String: Double] = [:]
    try update(networks.painter, rate, step, "decoder loss", norm: "gradientNorm", to: &values)
    add(["reconstruction": reconstruction, "superResolution": enlarged], 1, to: &values)
    return values
  }

  private func wholePictures(_ stage: TrainingPlan.Stage, _ stream: ExampleStream, _ step: Int) throws -> Tensor {
    let batch = plan.batch(of: stage)
    return try load(stream, step * batch..<(step + 1) * batch, size: model.configuration.imageSize).pictures
  }

  /// What the decoder makes of pictures' noisy latents, at the core size.
  private func paint(_ pictures: Tensor, _ generator: Generator) -> Painting {
    inPrecision {
      let latents = withNoGrad { model.autoencoder.encode(pictures) }
      return model.autoencoder.decoder((latents + decoderNoise(latents.shape, generator)).channelsLast())
    }
  }

  /// The loss of a random quarter, enlarged.
  private func enlargement(
    of core: Painting, to pictures: Tensor, _ generator: Generator, by enlarge: SuperResolution
  ) -> Tensor {
    let factor = model.configuration.autoencoder.superResolutionFactor
    let side = coreSize / 2
    let corner = Tensor.randint(0..<side, [2], generator: generator).ints()
    func crop(_ x: Tensor, _ scale: Int) -> Tensor {
      x.narrowed(2, corner[0] * scale, side * scale).narrowed(3, corner[1] * scale, side * scale).channelsLast()
    }
    let painted = enlarge(
      Painting(features: crop(core.features.to(.float32), 1), pixels: crop(core.pixels.to(.float32), 1)))
    return AutoencoderLoss.loss(painted.pixels, crop(pictures, factor))
  }

  /// Gaussian noise that the decoder learns to see through: little always, more for half the latents.
  func decoderNoise(_ shape: [Int], _ generator: Generator) -> Tensor {
    let wide = Tensor.randn([shape[0], 1, 1, 1], generator: generator).abs() * plan.latentNoiseWide
    let chosen = (Tensor.rand([shape[0], 1, 1, 1], generator: generator) .< 0.5).to(.float32)
    return (Tensor.randn(shape, generator: generator) * (wide * chosen + plan.latentNoise)).to(device)
  }
}
