import Data
import Diffusion
import Files
import Flux
import Foundation
import Models
import NN
import Raster
import Torch

/// Trains a model on Scenes, from scratch or from another model on: one loop through the plan's stages.
///
/// All randomness of a step comes from (seed, step), so that a run can be stopped at any moment and continued from
/// its last checkpoint to the same weights.
public final class Trainer {
  public let plan: TrainingPlan
  public let model: ModelBundle
  private let folder: URL
  private let prompts: PromptEncoder
  private let atlas: GlyphAtlas
  private let loss: DiffusionLoss
  private let alignment: Alignment
  private let core: AdamW  // encoder and decoder
  private let denoiser: AdamW  // U-Net and adapter
  private let enlarger: AdamW  // super-resolution
  private let average: MovingAverage
  private var pool: LatentPool?

  /// Builds the networks of the plan's preset; nothing is written yet.
  ///
  /// `start` gives its weights to them: the autoencoder's, and those of U-Net and adapter where they have the preset's
  /// sizes (else they learn anew). Throws where its autoencoder has other sizes than the preset's.
  public init(_ plan: TrainingPlan, from start: ModelBundle? = nil, folder: URL, textEncoder: URL) throws {
    self.plan = plan
    self.folder = folder
    prompts = try PromptEncoder(directory: textEncoder)
    atlas = try GlyphAtlas()
    model = ModelBundle(plan.preset.configuration, .random(Generator(seed: plan.seed)))
    if let start { try model.adopt(start) }
    loss = DiffusionLoss(schedule: model.schedule, distance: plan.distance, timeShift: plan.timeShift)
    alignment = Alignment(plan.preset.configuration, .random(Generator(seed: plan.seed &+ 1)))
    for module in [
      alignment.latents, alignment.features, alignment.text, model.autoencoder.encoder, model.autoencoder.decoder,
      model.adapter,
      model.unet,
    ] as [any Module] {
      module.requireGradients(true)
    }
    model.autoencoder.superResolution?.requireGradients(true)
    func named(_ prefix: String, _ module: (any Module)?) -> [NamedTensor] {
      module?.parameters.map { ("\(prefix).\($0.key)", $0.tensor) } ?? []
    }
    func optimiser(_ parameters: [NamedTensor]) -> AdamW {
      AdamW(parameters, weightDecay: plan.weightDecay, gradientLimit: plan.gradientLimit)
    }
    core = optimiser(
      named("encoder", model.autoencoder.encoder) + named("decoder", model.autoencoder.decoder)
        + named("alignment.latents", alignment.latents))
    let trained = named("unet", model.unet) + named("text_adapter", model.adapter)
    denoiser = optimiser(
      trained + named("alignment.features", alignment.features)
        + named("alignment.text", alignment.text))
    enlarger = optimiser(named("super_resolution", model.autoencoder.superResolution))
    average = MovingAverage(trained, decay: plan.averageDecay)
  }

  /// Runs all steps that are left, or those before `stop`.
  ///
  /// The folder gets `log.jsonl`, checkpoints, and at the end the model in `model/`.
  public func run(saveEvery: Int, storage: Quantisation, quiet: Bool, until stop: Int? = nil) throws {
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch { throw TrainingError.folder(folder.path) }
    let first = try TrainingCheckpoint.load(into: state, plan: plan, folder: folder) ?? 0
    let log = try TrainingLog(folder: folder, step: first, total: plan.steps, quiet: quiet)
    for step in first..<max(first, min(stop ?? plan.steps, plan.steps)) {
      let values = try train(step)
      try log.add(values, stage: plan.stage(at: step).rawValue, step: step + 1)
      if (step + 1) % saveEvery == 0 || step + 1 == plan.steps {
        try TrainingCheckpoint.save(state, step: step + 1, plan: plan, folder: folder)
        try save(storage)
        try saveReconstructions(step + 1)
      }
    }
    if first == plan.steps { try save(storage) }
  }

  /// Writes the model as it draws best: U-Net and adapter averaged.
  private func save(_ storage: Quantisation) throws {
    try average.withAverage { try model.save(to: folder.appendingPathComponent("model"), as: storage) }
  }

  // MARK: - Steps

  private func train(_ step: Int) throws -> [String: Double] {
    switch plan.stage(at: step) {
    case .autoencoder: try autoencoderStep(step)
    case .joint: try jointStep(step)
    case .diffusion: try diffusionStep(step, pooled(step))
    case .superResolution: try superResolutionStep(step)
    }
  }

  /// Windows near objects: a quarter of the work of whole pictures, with nearly all of what is hard.
  private func autoencoderStep(_ step: Int) throws -> [String: Double] {
    let batch = max(plan.batch / 2, 1)
    let chosen = scenes(1, step * batch, batch).map(\.scene)
    let side = model.configuration.latentSize
    var random = SceneRandom(seed: streamSeed(6), index: UInt64(step))
    let (pictures, labels) = SceneBatches.nearObjects(
      SceneBatches.render(chosen, size: coreSize, atlas: atlas), SceneBatches.labels(chosen, side: side), of: chosen,
      side: side, window: side / 2, &random)
    return try reconstruct(pictures, labels, step).values
  }

  /// Whole pictures, whose latents the U-Net learns from in the same step; no gradient goes from it to the encoder.
  private func jointStep(_ step: Int) throws -> [String: Double] {
    let batch = max(plan.batch / 4, 2)
    let chosen = scenes(2, step * batch, batch)
    let labels = SceneBatches.labels(chosen.map(\.scene), side: model.configuration.latentSize)
    let pictures = SceneBatches.render(chosen.map(\.scene), size: coreSize, atlas: atlas)
    let (values, latents) = try reconstruct(pictures, labels, step)
    let text = captions(of: chosen, 2, step * batch)
    let example = Example(noised(latents, generator(step, purpose: 4)), text.states, text.masks, labels)
    return try values.merging(diffusionStep(step, example)) { first, _ in first }
  }

  /// One update of encoder and decoder; also gives the normalised latents, without their gradient.
  private func reconstruct(
    _ pictures: Tensor, _ labels: Tensor, _ step: Int
  ) throws -> (values: [String: Double], latents: Tensor) {
    let generator = generator(step, purpose: 1)
    let (painting, naming, raw, latents) = withAutocast(.cpu, enabled: plan.bfloat16) {
      let raw = model.autoencoder.encodeRaw(pictures).to(.float32)
      LatentStatistics.update(model.autoencoder, raw: raw, count: step)
      let clean = model.autoencoder.normalised(raw)
      let noisy = (clean + decoderNoise(clean.shape, generator)).channelsLast()
      let painted = model.autoencoder.decoder(noisy).pixels
      let naming = alignment.loss(noisy, through: alignment.latents, labels)
      return (painted, naming, raw, clean)
    }
    let reconstruction = AutoencoderLoss.loss(painting, pictures)
    let total = reconstruction + raw.square().mean() * 1e-4 + naming * plan.latentAlignment
    let range = plan.range(of: .autoencoder).lowerBound..<plan.range(of: .joint).upperBound
    _ = try update(
      core, total, plan.autoencoderRate * plan.rate(at: step, in: range), step, "autoencoder loss")
    var values = ["reconstruction": reconstruction.item(), "latentNames": naming.item()]
    if step % 20 == 0 {
      values["decibels"] = AutoencoderLoss.decibels(painting, pictures)
      let participation = LatentStatistics.participationRatio(latents)
      values["participation"] = participation
      if step > 500, participation < 4 {
        throw TrainingError.collapsed(step: step, participation: participation)
      }
    }
    return (values, latents.detached())
  }

  /// One update of U-Net and adapter.
  private func diffusionStep(_ step: Int, _ example: Example) throws -> [String: Double] {
    let generator = generator(step, purpose: 2)
    let question = loss.question(clean: example.latents, generator: generator)
    let side = model.configuration.latentSize
    let weights = Alignment.cellWeights(example.labels, side: side, extra: plan.objectWeight)
    func losses(_ states: Tensor, _ masks: Tensor) -> (denoising: Tensor, naming: Tensor, text: Tensor) {
      withAutocast(.cpu, enabled: plan.bfloat16) {
        let (context, pooled) = model.adapter(states, mask: masks)
        let features = model.unet.features(
          question.noisy.channelsLast(), timesteps: question.timesteps, context: context, contextMask: masks,
          classLabels: pooled)
        return (
          loss(model.unet.predict(features), question.target, weights: weights),
          alignment.loss(features, through: alignment.features, example.labels),
          alignment.textLoss(pooled, example.labels)
        )
      }
    }
    let (denoising, naming, text) = losses(example.states, example.masks)
    let total = denoising + (naming + text) * plan.alignment
    let range = plan.range(of: .joint).lowerBound..<plan.range(of: .diffusion).upperBound
    _ = try update(
      denoiser, total, plan.diffusionRate * plan.rate(at: step, in: range), step, "diffusion loss")
    average.update(count: step - range.lowerBound)
    var values = ["diffusion": denoising.item(), "names": naming.item(), "textNames": text.item()]
    if step % 20 == 0 {
      // What captions are worth: how much worse the same question goes with another scene's caption.
      let others = withNoGrad { losses(example.states.flipped([0]), example.masks.flipped([0])).denoising.item() }
      values["captions"] = others - denoising.item()
    }
    return values
  }

  /// Crops of a quarter of the area: the levels are convolutions and need no more.
  private func superResolutionStep(_ step: Int) throws -> [String: Double] {
    guard let enlarge = model.autoencoder.superResolution else { return [:] }
    let batch = max(plan.batch / 8, 1)
    let generator = generator(step, purpose: 3)
    let size = model.configuration.imageSize
    let pictures = SceneBatches.render(scenes(3, step * batch, batch).map(\.scene), size: size, atlas: atlas)
    let factor = model.configuration.autoencoder.superResolutionFactor
    let core = withNoGrad {
      withAutocast(.cpu, enabled: plan.bfloat16) {
        let latents = model.autoencoder.encode(pictures)
        return model.autoencoder.decoder((latents + decoderNoise(latents.shape, generator)).channelsLast())
      }
    }
    let side = coreSize / 2
    let corner = Tensor.randint(0..<side, [2], generator: generator).ints()
    func crop(_ x: Tensor, _ scale: Int) -> Tensor {
      x.narrowed(2, corner[0] * scale, side * scale).narrowed(3, corner[1] * scale, side * scale)
        .channelsLast()
    }
    let painted = enlarge(
      Painting(features: crop(core.features.to(.float32), 1), pixels: crop(core.pixels.to(.float32), 1)))
    let total = AutoencoderLoss.loss(painted.pixels, crop(pictures, factor))
    let rate = plan.autoencoderRate * plan.rate(at: step, in: plan.range(of: .superResolution))
    return ["superResolution": try update(enlarger, total, rate, step, "super-resolution loss")]
  }

  /// Back-propagates and updates; a loss or gradient that is not finite stops the run.
  private func update(_ optimiser: AdamW, _ total: Tensor, _ rate: Double, _ step: Int, _ what: String) throws
    -> Double
  {
    let value = total.item()
    guard value.isFinite else {
      throw TrainingError.notFinite(step: step, what: what, value: "\(value)", firstScene: step * plan.batch)
    }
    total.backward()
    let norm = optimiser.step(learningRate: rate)
    guard norm.isFinite else {
      throw TrainingError.notFinite(
        step: step, what: "gradient of the \(what)", value: "\(norm)", firstScene: step * plan.batch)
    }
    return value
  }

  // MARK: - Examples

  private typealias Example = (latents: Tensor, states: Tensor, masks: Tensor, labels: Tensor)

  /// A batch from the pool, which is filled first and renewed at every step.
  private func pooled(_ step: Int) -> Example {
    let done = step - plan.range(of: .diffusion).lowerBound
    let end = plan.poolSize + done * plan.poolRenewal
    if pool == nil {
      let latent = model.configuration.latentSize
      let new = LatentPool(
        size: plan.poolSize, latentShape: [model.configuration.autoencoder.latentChannels, latent, latent],
        tokens: model.configuration.adapter.maxTokens, stateWidth: 2 * model.configuration.adapter.inputWidth)
      new.skip(to: end - plan.poolSize)
      pool = new
    }
    guard let pool else { fatalError("the pool was just made") }
    while pool.filled < end {
      let new = encoded(4, pool.filled, min(64, end - pool.filled))
      pool.append(latents: new.latents, states: new.states, masks: new.masks, labels: new.labels)
    }
    let generator = generator(step, purpose: 5)
    let drawn = pool.draw(plan.batch, generator: generator)
    return (noised(drawn.latents, generator), drawn.states, drawn.masks, drawn.labels)
  }

  /// Latents with the little noise that the decoder always sees, drawn anew each time.
  private func noised(_ latents: Tensor, _ generator: Generator) -> Tensor {
    latents + Tensor.randn(latents.shape, generator: generator) * plan.latentNoise
  }

  /// New scenes through the frozen encoder.
  private func encoded(_ purpose: UInt64, _ first: Int, _ count: Int) -> Example {
    let batch = scenes(purpose, first, count)
    let pictures = SceneBatches.render(batch.map(\.scene), size: coreSize, atlas: atlas)
    let labels = SceneBatches.labels(batch.map(\.scene), side: model.configuration.latentSize)
    let text = captions(of: batch, purpose, first)
    let latents = withNoGrad {
      withAutocast(.cpu, enabled: plan.bfloat16) {
        model.autoencoder.normalised(model.autoencoder.encodeRaw(pictures).to(.float32))
      }
    }
    return (latents, text.states, text.masks, labels)
  }

  /// Text states of captions, some of them replaced by the empty one, padded to the adapter's longest.
  private func captions(
    of batch: [CaptionedScene], _ purpose: UInt64, _ first: Int
  ) -> (states: Tensor, masks: Tensor) {
    var random = SceneRandom(seed: streamSeed(purpose) ^ 0x5eed, index: UInt64(first))
    let captions = batch.map { random.chance(plan.captionDropout) ? "" : $0.caption }
    let tokens = model.configuration.adapter.maxTokens
    let text = withAutocast(.cpu, enabled: plan.bfloat16) { prompts(captions, maxTokens: tokens) }
    let missing = tokens - text.mask.shape[1]  // the encoder reads no more than the longest caption
    func padded(_ x: Tensor) -> Tensor {
      Tensor.cat([x.to(.float32), Tensor.zeros([batch.count, missing] + x.shape.dropFirst(2))], dim: 1)
    }
    return (padded(text.states), padded(text.mask))
  }

  private func scenes(_ purpose: UInt64, _ first: Int, _ count: Int) -> [CaptionedScene] {
    let source = Scenes(seed: streamSeed(purpose))
    return (first..<first + count).map { source[$0] }
  }

  /// Gaussian noise that the decoder learns to see through: little always, more for half the latents.
  private func decoderNoise(_ shape: [Int], _ generator: Generator) -> Tensor {
    let wide = Tensor.randn([shape[0], 1, 1, 1], generator: generator).abs() * plan.latentNoiseWide
    let chosen = (Tensor.rand([shape[0], 1, 1, 1], generator: generator) .< 0.5).to(.float32)
    return Tensor.randn(shape, generator: generator) * (wide * chosen + plan.latentNoise)
  }

  private func generator(_ step: Int, purpose: UInt64) -> Generator {
    var random = SceneRandom(seed: streamSeed(purpose) &+ 0x9e37, index: UInt64(step))
    return Generator(seed: random.next())
  }

  private func streamSeed(_ purpose: UInt64) -> UInt64 { plan.seed &* 16 &+ purpose }

  private var coreSize: Int {
    model.configuration.imageSize / model.configuration.autoencoder.superResolutionFactor
  }

  // MARK: - State

  private var state: [NamedTensor] {
    let statistics: [NamedTensor] = [
      ("latents_mean", model.autoencoder.latentsMean), ("latents_std", model.autoencoder.latentsStd),
    ]
    return statistics
      + [("core", core), ("denoiser", denoiser), ("enlarger", enlarger)].flatMap { name, optimiser in
        (optimiser.parameters + optimiser.state).map { ("\(name).\($0.key)", $0.tensor) }
      } + average.parameters.map { ("average.\($0.key)", $0.tensor) }
  }

  /// Pictures and what the autoencoder makes of them, to look at.
  private func saveReconstructions(_ step: Int) throws {
    let batch = scenes(5, 0, 8).map(\.scene)
    let size = model.configuration.imageSize
    let painted = withNoGrad {
      model.autoencoder.decode(model.autoencoder.encode(SceneBatches.render(batch, size: size, atlas: atlas)))
    }
    let originals = batch.map { $0.render(size: size, atlas: atlas) }
    let sheet = ContactSheet.lay(originals + TensorImage.images(painted), columns: 8)
    try AtomicFile.write(PNG.encode(sheet), to: folder.appendingPathComponent("reconstructions.png"))
  }
}
