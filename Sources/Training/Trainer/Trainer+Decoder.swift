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
  ///
  /// The levels of a palette decoder are trained on larger images than the model's.
  func superResolutionStep(_ step: Int) throws -> [String: Double] {
    if let levels = model.autoencoder.fieldLevels, let decoder = model.autoencoder.decoder as? PaletteDecoder {
      return try fieldLevelStep(step, levels, of: decoder)
    }
    guard let upsampler = model.autoencoder.superResolution else { return [:] }
    let generator = generator(step, .superResolution)
    let images = try wholeImages(.superResolution, .superResolution, step).images
    let base = withNoGrad { decodeBase(encoded(images), generator) }
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
    let latents = encoded(images)
    let base = decodeBase(latents, generator, regenerated: try regenerated(latents, examples.captions, step))
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

  /// The latents of images under the frozen encoder, float32.
  func encoded(_ images: Tensor) -> Tensor {
    withNoGrad { inPrecision { model.autoencoder.encode(images) }.to(.float32) }
  }

  /// Decodes latents with noise at the base size; some rows are replaced by `regenerated` ones.
  private func decodeBase(
    _ latents: Tensor, _ generator: Generator, regenerated: [Int: Tensor] = [:]
  ) -> DecoderOutput {
    inPrecision {
      var noisy = latents + decoderNoise(latents.shape, generator)
      if !regenerated.isEmpty {
        noisy = Tensor.stack((0..<noisy.shape[0]).map { regenerated[$0] ?? noisy[$0] })
      }
      return model.autoencoder.decoder(noisy.channelsLast())
    }
  }

  /// Latents as the U-Net generates them, `[C, h, w]`, by their row in this process's part of the batch.
  ///
  /// The latents get the noise of a timestep, which the U-Net removes with their captions under guidance, as in
  /// image-to-image (SDEdit, Meng et al., 2022): they show the same scenes with the errors of generated latents, which
  /// Gaussian noise does not have. Their rows are spread evenly over the batch of all processes.
  private func regenerated(_ latents: Tensor, _ captions: [String], _ step: Int) throws -> [Int: Tensor] {
    let (own, share) = (captions.count, plan.regeneratedLatents)
    let rows = (0..<own).filter { row in
      let place = Double(group.rank * own + row)
      return Int((place + 1) * share) > Int(place * share)
    }
    guard !rows.isEmpty else { return [:] }
    var random = SplitMix64(seed: plan.seed &* 16 &+ Purpose.regeneration.rawValue, index: UInt64(step))
    let grid = try TimeGrid(model.schedule, kind: .dpmpp_2m, steps: 10)
    let start = try grid.start(strength: random.real(0.2, 0.6))
    return withNoGrad {
      let whole = [own * group.count] + latents.shape.dropFirst()
      let noise = group.own(Tensor.randn(whole, generator: generator(step, .regeneration))).to(device)
      func chosen(_ x: Tensor) -> Tensor { Tensor.stack(rows.map { x[$0] }) }
      func conditioning(_ captions: [String]) -> TextConditioning {
        let (states, masks) = texts(captions)
        return inPrecision { model.adapter(states, mask: masks) }
      }
      let text = conditioning(rows.map { captions[$0] })
      let empty = conditioning([""]).expanded(to: rows.count)
      let denoiser = Guidance(scale: 3) { [self] x, time, branches in
        let texts = TextConditioning.cat(branches.map { $0 == .conditional ? text : empty })
        return inPrecision {
          model.predict(x, at: Tensor.full([x.shape[0]], time.timestep, device: device), texts)
        }.to(.float32)
      }
      let clean = chosen(latents)
      let steps = Denoising(
        grid.noised(clean, chosen(noise), at: start), along: grid, from: start, sampler: DPMSolverMultistep(),
        prediction: model.schedule.configuration.predictionType, cleanRange: ModelBundle.cleanRange,
        noise: NoiseSource(seeds: [0], shape: Array(clean.shape.dropFirst())), denoiser: denoiser)
      let made = steps.reduce(clean) { $1.latent }
      return Dictionary(uniqueKeysWithValues: rows.enumerated().map { ($1, made[$0]) })
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
