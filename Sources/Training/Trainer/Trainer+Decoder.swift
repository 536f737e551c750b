import Diffusion
import Flux
import Models
import NN
import Scenes
import Support
import Torch

// Steps with a frozen encoder: super-resolution and decoder.

extension Trainer {
  /// Trains the super-resolution levels on crops of a quarter of the area; being convolutional, they need no more.
  func superResolutionStep(_ step: Int) throws -> [String: Double] {
    guard let upsampler = model.autoencoder.superResolution else { return [:] }
    let generator = generator(step, .superResolution)
    let images = try wholeImages(.superResolution, .superResolution, step).images
    let base = withNoGrad { decodeBase(images, generator) }
    let total = superResolutionLoss(of: base, to: images, generator, by: upsampler)
    let learningRate =
      plan.autoencoderLearningRate * plan.learningRateFactor(at: step, in: plan.range(of: .superResolution))
    try accumulate(total, 1, step, "super-resolution loss", completes: networks.superResolution)
    var values: [String: Double] = [:]
    try update(networks.superResolution, learningRate, step, "super-resolution loss", to: &values)
    add(["superResolution": total], 1, to: &values)
    return values
  }

  /// Trains the decoder on whole images and the super-resolution levels on crops of them.
  func decoderStep(_ step: Int) throws -> [String: Double] {
    let generator = generator(step, .decoder)
    let examples = try wholeImages(.decoder, .decoder, step)
    let images = examples.images
    let base = decodeBase(images, generator, regenerated: try regenerated(examples, step))
    let factor = model.configuration.autoencoder.superResolutionFactor
    let kind: AutoencoderLoss.Kind = plan.lateLoss < 1 ? .late : .early
    let reconstruction = AutoencoderLoss.loss(base.pixels, factor > 1 ? images.avgPool2d(factor) : images, kind)
    let upsampled = model.autoencoder.superResolution.map {
      superResolutionLoss(of: base, to: images, generator, by: $0)
    }
    var total = upsampled.map { reconstruction + $0 } ?? reconstruction
    if let bounds = AutoencoderLoss.palettePenalty(base, model.autoencoder.decoder, group: group) {
      total = total + bounds
    }
    let learningRate = plan.autoencoderLearningRate * plan.learningRateFactor(at: step, in: plan.range(of: .decoder))
    try accumulate(total, 1, step, "decoder loss", completes: networks.fullDecoder)
    var values: [String: Double] = [:]
    try update(networks.fullDecoder, learningRate, step, "decoder loss", norm: "gradientNorm", to: &values)
    add(["reconstruction": reconstruction, "superResolution": upsampled], 1, to: &values)
    return values
  }

  /// This process's images, whole and not in micro-batches.
  private func wholeImages(_ stage: TrainingPlan.Stage, _ stream: ExampleStream, _ step: Int) throws -> ExampleBatch {
    let batch = plan.batch(of: stage)
    let range = step * batch..<(step + 1) * batch
    return try loadOwn(stream, range, size: model.configuration.imageSize)
  }

  /// Decodes the noisy latents of images at the base size; the first of them are replaced by `regenerated` ones.
  private func decodeBase(
    _ images: Tensor, _ generator: Generator, regenerated: Tensor? = nil
  ) -> DecoderOutput {
    inPrecision {
      let latents = withNoGrad { model.autoencoder.encode(images) }
      var noisy = latents + decoderNoise(latents.shape, generator)
      if let regenerated {
        let count = regenerated.shape[0]
        noisy = Tensor.cat([regenerated, noisy.narrowed(0, count, noisy.shape[0] - count)])
      }
      return model.autoencoder.decoder(noisy.channelsLast())
    }
  }

  /// Latents of the first images as the U-Net generates them, `[count, C, h, w]`; nil if the plan wants none.
  ///
  /// The latents get the noise of a timestep, which the U-Net removes with their captions under guidance, as in
  /// image-to-image (SDEdit, Meng et al., 2022): they show the same scenes with the errors of generated latents, which
  /// Gaussian noise does not have.
  private func regenerated(_ examples: ExampleBatch, _ step: Int) throws -> Tensor? {
    let count = Int((Double(examples.captions.count) * plan.regeneratedLatents).rounded())
    guard count > 0 else { return nil }
    let generator = generator(step, .regeneration)
    let grid = try TimeGrid(model.schedule, kind: .dpmpp_2m, steps: 10)
    let start = try grid.start(strength: 0.2 + 0.4 * Tensor.rand([1], generator: generator).item())
    return withNoGrad {
      let clean = inPrecision { model.autoencoder.encode(examples.images[0..<count]) }.to(.float32)
      let noise = Tensor.randn(clean.shape, generator: generator).to(device)
      let text = [
        Branch.conditional: Array(examples.captions.prefix(count)), .unconditional: .init(repeating: "", count: count),
      ]
      .mapValues { captions in
        let (states, masks) = texts(captions)
        return inPrecision { model.adapter(states, mask: masks) }
      }
      let denoiser = Guidance(scale: 3) { [self] x, time, branches in
        inPrecision {
          model.predict(
            x, at: Tensor.full([x.shape[0]], time.timestep, device: device), .cat(branches.compactMap { text[$0] }))
        }.to(.float32)
      }
      let steps = Denoising(
        grid.noised(clean, noise, at: start), along: grid, from: start, sampler: DPMSolverMultistep(),
        prediction: model.schedule.configuration.predictionType, cleanRange: Pipeline.cleanRange,
        noise: NoiseSource(seeds: [0], shape: clean.shape.dropFirst().map { $0 }), denoiser: denoiser)
      return steps.reduce(clean) { $1.latent }
    }
  }

  /// The super-resolution loss of a random crop of a quarter of the area.
  private func superResolutionLoss(
    of base: DecoderOutput, to images: Tensor, _ generator: Generator, by upsampler: SuperResolution
  ) -> Tensor {
    let factor = model.configuration.autoencoder.superResolutionFactor
    let side = baseSize / 2
    let corner = Tensor.randint(0..<side, [2], generator: generator).ints()
    func crop(_ x: Tensor, _ scale: Int) -> Tensor {
      x.narrowed(2, corner[0] * scale, side * scale).narrowed(3, corner[1] * scale, side * scale).channelsLast()
    }
    let decoded = upsampler(
      DecoderOutput(features: crop(base.features.to(.float32), 1), pixels: crop(base.pixels.to(.float32), 1)))
    return AutoencoderLoss.loss(decoded.pixels, crop(images, factor))
  }
}
