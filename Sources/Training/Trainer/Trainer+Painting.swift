import Models
import Torch

// The stages in which only what paints pictures learns: the encoder is frozen.

extension Trainer {
  /// The levels above the core size learn on crops of a quarter of the area: they are convolutions and need no more.
  func superResolutionStep(_ step: Int) throws -> [String: Double] {
    guard let enlarge = model.autoencoder.superResolution else { return [:] }
    let generator = generator(step, .superResolution)
    let pictures = try wholePictures(.superResolution, .superResolution, step)
    let core = withNoGrad { paint(pictures, generator) }
    let total = enlargement(of: core, to: pictures, generator, by: enlarge)
    let rate = plan.autoencoderRate * plan.rate(at: step, in: plan.range(of: .superResolution))
    try accumulate(total, 1, step, "super-resolution loss")
    try update(networks.superResolution, rate, step, "super-resolution loss")
    var values: [String: Double] = [:]
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
    try update(networks.painter, rate, step, "decoder loss")
    var values: [String: Double] = [:]
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
