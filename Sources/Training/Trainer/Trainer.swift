import Diffusion
import Flux
import Foundation
import Models
import NN
import Optimizers
import Scenes
import Support
import Torch

/// The networks that a plan trains, and a step of every stage.
///
/// All randomness of a step comes from (seed, step), so that a run can be stopped at any moment and continued from its
/// last checkpoint to the same weights. Where a run lives and what it leaves there is `TrainingRun`'s.
public final class Trainer {
  public internal(set) var plan: TrainingPlan  // a run that is lengthened changes it
  public let device: Device
  public var model: ModelBundle { networks.model }
  /// What could not be read so far, each with the reason.
  public var failures: [String] { examples.failures }
  let networks: TrainedNetworks
  /// The losses' tables on the device, by distance.
  private var tables: [DiffusionLoss.Distance: LossTables] = [:]
  /// Where numbers wait to be read; nil where every step reads its own, as on a CPU.
  var deferred: DeferredMeasures?
  let prompts: PromptEncoder
  let texts: TextStates
  let examples: any TrainingExamples
  var pool: LatentPool?
  var cache: LatentCache?
  let cacheFolder: URL?
  private(set) lazy var textEncoderHash = Result {
    try CacheManifest.hash(of: ["vocab.txt", "config.json", "model.safetensors"], in: textEncoder)
  }
  /// Hears of what is wrong and does not end the run.
  public var notice: (String) -> Void = { _ in }
  /// Hears of what takes long and is done.
  public var news: (String) -> Void = { _ in }
  /// Whether latents that have collapsed end the run: those of a forecast were never trained.
  var watchesCollapse = true
  private(set) var waited = 0.0  // seconds for images, since the start
  /// The step at which the optimizers last began without moments, if they ever did.
  var restarted: Int?
  private let textEncoder: URL

  /// Builds the networks of the plan's preset.
  ///
  /// `start` gives its weights to them: the autoencoder's, and those of U-Net and adapter where they have the preset's
  /// sizes (else they learn anew). Throws where its autoencoder has other sizes than the preset's. `cache` is a folder
  /// that keeps what the last stage's encoder makes. `winograd` sets `Libtorch.usesWinograd` for the process; without a
  /// value it is on for float32 on a CPU where it is faster.
  public init(
    _ plan: TrainingPlan, on data: TrainingData = .scenes(.small), from start: ModelBundle? = nil, textEncoder: URL,
    cache: URL? = nil, device: Device = .cpu, winograd: Bool? = nil
  ) throws {
    precondition(plan.data == data.name, "the plan was made for other data")
    self.plan = plan
    self.device = device
    self.textEncoder = textEncoder
    cacheFolder = cache
    prompts = try PromptEncoder(directory: textEncoder, device: device)
    try prompts.check(plan.configuration.adapter)
    texts = TextStates(prompts, maxTokens: plan.configuration.adapter.maxTokens, bfloat16: plan.bfloat16)
    networks = try TrainedNetworks(plan, labels: data.labelCount, from: start, on: device)
    networks.model.scenes = data.scenesOfModel
    Libtorch.usesWinograd = winograd ?? (device == .cpu && !plan.bfloat16 && Libtorch.winogradPays)
    if device != .cpu {
      deferred = DeferredMeasures()
      Libtorch.triesConvolutions(true)
    }
    examples = try data.examples(plan, side: plan.configuration.latentSize)
  }

  // MARK: - What steps share

  /// Examples, their pictures in −1…1 on the device, with the time that they took put down as waiting.
  ///
  /// Bytes cross the bus: a quarter of what numbers would be.
  func load(_ stream: ExampleStream, _ range: Range<Int>, size: Int) throws -> ExampleBatch {
    let begun = Date()
    defer { waited += Date().timeIntervalSince(begun) }
    var batch = try examples.batch(stream, range, size: size)
    let moved = batch.pictures.to(device)
    batch.pictures = moved.dtype == .uint8 ? moved.to(.float32) / 127.5 - 1 : moved
    return batch
  }

  /// Random numbers of one step and purpose, from the seed, made on the device.
  func generator(_ step: Int, _ purpose: Purpose) -> Generator {
    var random = SplitMix64(seed: plan.seed &* 16 &+ purpose.rawValue &+ 0x9e37, index: UInt64(step))
    return Generator(mixed: random.next(), device: device)
  }

  /// What a step draws random numbers for.
  enum Purpose: UInt64 {
    case reconstruction = 1
    case diffusion, superResolution, joint, pool, windows, captions, decoder, captionGap
  }

  /// The denoising loss of a step.
  func loss(at step: Int) -> DiffusionLoss {
    DiffusionLoss(
      schedule: model.schedule, distance: plan.distance(at: step), timeShift: plan.timeShift, evenShare: plan.evenTimes,
      minSNR: plan.minSNR)
  }

  /// A loss's tables, made once.
  func tables(of loss: DiffusionLoss) -> LossTables {
    if let known = tables[loss.distance] { return known }
    let new = LossTables(loss, device: device)
    tables[loss.distance] = new
    return new
  }

  /// Side of the pictures that encoder and decoder see, before super-resolution.
  var coreSize: Int { model.configuration.imageSize / model.configuration.autoencoder.superResolutionFactor }

  /// Runs `body` in the precision of the plan, and with its checkpointing.
  func inPrecision<R>(_ body: () -> R) -> R {
    GradientCheckpointing.$isOn.withValue(plan.gradientCheckpointing) {
      withAutocast(device, enabled: plan.bfloat16, body)
    }
  }
}

// What it means to continue without the optimisers' moments.

extension TrainingPlan {
  /// Steps over which the rate rises again where a run continues without moments.
  ///
  /// As many as AdamW needs to know the gradient's size, and no fewer than at the run's beginning.
  var restartSteps: Int { max(warmup, Int((1 / (1 - secondBeta)).rounded())) }
}

extension Trainer {
  /// The share of the learning rate that a step gets: below 1 only while the rate rises after a restart.
  func restartShare(at step: Int) -> Double {
    guard let restarted else { return 1 }
    return min(1, Double(step - restarted + 1) / Double(plan.restartSteps))
  }

  /// What the log says of where a run continues; nil at a beginning.
  func continuation(at step: Int) -> String? {
    guard step > 0 else { return nil }
    let left = restarted.map { max(0, $0 + plan.restartSteps - step) } ?? 0
    return "continues after step \(step)"
      + (left == 0 ? "" : " without the moments of before: the rate rises again over \(left) steps")
  }
}

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
  /// Measures the gradient's norm before the limit under `name`.
  func update(
    _ optimiser: Optimizer, _ rate: Double, _ step: Int, _ what: String, ids: @autoclosure () -> [String] = [],
    norm name: String? = nil, to values: inout [String: Double]
  ) throws {
    if let deferred {
      let norm = deferred.update(optimiser, rate * restartShare(at: step), step, what)
      if let name { deferred.add(name, norm, weight: 1) }
      return
    }
    do throws(Optimizer.NotFinite) {
      let norm = try optimiser.step(learningRate: rate * restartShare(at: step))
      if let name { values[name] = norm }
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
