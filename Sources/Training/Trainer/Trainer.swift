import Diffusion
import Distributed
import Flux
import Foundation
import Models
import NN
import Optimizers
import Runs
import Scenes
import Support
import Torch

/// The networks of a plan and the training steps of every stage.
///
/// All randomness of a step depends on (seed, step), so that a run can be interrupted and continued from its last
/// checkpoint to the same weights. A `TrainingRun` manages folder, log and checkpoints.
public final class Trainer {
  /// The settings of the run; continuing a run with more steps changes the ends of its stages.
  public internal(set) var plan: TrainingPlan
  /// The device of all networks.
  public let device: Device
  /// The processes that share each batch.
  public let group: ProcessGroup
  /// The model in training, with its raw weights rather than those of an EMA.
  public var model: ModelBundle { networks.model }
  /// Images that could not be read so far, each with the reason.
  public var failures: [String] { examples.failures + (regularization?.failures ?? []) }
  let networks: TrainedNetworks
  /// The tables of the losses on the device, by loss type.
  private var tables: [DiffusionLoss.LossType: LossTables] = [:]
  /// Metrics that have not been read yet; nil if every step reads its own, as on a CPU.
  var deferred: DeferredMetrics?
  let prompts: PromptEncoder
  let texts: TextStates
  let examples: any TrainingExamples
  var pool: LatentPool?
  let regularization: (any TrainingExamples)?
  var regularizationPool: LatentPool?
  var cache: LatentCache?
  private(set) var upcoming: UpcomingBlocks?  // of the pool
  let cacheFolder: URL?
  private let winograd: Bool
  private(set) lazy var textEncoderHash = Result {
    try CacheManifest.hash(of: ["vocab.txt", "config.json", "model.safetensors"], in: prompts.directory)
  }
  /// Called with problems that do not stop the run.
  public var onWarning: (String) -> Void = { _ in }
  /// Data type of the weights in the model directory of a run.
  public var storage: Quantization = .float32
  /// Number of steps between sample images of a run; 0 is never.
  public var samplesEvery = 0
  /// Called with progress messages.
  public var onMessage: (String) -> Void = { _ in }
  /// Whether collapsed latents stop the run; not in a forecast, whose networks are untrained.
  var detectsCollapse = true
  /// The gradients of a backward pass on their way between processes.
  private var average: GradientAverage?
  private(set) var dataWaitSeconds = 0.0  // spent waiting for images since the start
  /// The step at which the run last continued without optimizer state or with more steps, if it did.
  public var restarted: Int?

  /// Builds the networks of the plan's preset.
  ///
  /// The weights of `start` are copied: the autoencoder, and U-Net and adapter if they have the preset's sizes (otherwise
  /// they are reinitialized), and a text encoder of its own takes the place of the one in the folder `textEncoder`. Throws
  /// if its autoencoder does not have the preset's sizes. `cache` is a folder for the
  /// latents and text states of the last stage. The processes of `group` share each batch; throws if one of its sizes cannot
  /// be divided among them. Steps use Winograd's algorithm with `winograd`, or where it is faster if
  /// that is nil: in float32, on CPUs without AVX-512.
  public init(
    _ plan: TrainingPlan, on data: TrainingData = .scenes(.small), regularization: TrainingData? = nil,
    from start: ModelBundle? = nil, textEncoder: URL, cache: URL? = nil, device: Device = .cpu,
    group: ProcessGroup = .single, winograd: Bool? = nil
  ) throws {
    precondition(
      plan.data == data.name && plan.regularization?.data == regularization?.name, "the plan was made for other data")
    if group.count > 1 {
      try plan.checkShares(processes: group.count)
      guard device == .cpu else { throw TrainingError.processesOnDevice("\(device)") }
    }
    self.plan = plan
    self.device = device
    self.group = group
    cacheFolder = cache
    prompts = try PromptEncoder(directory: start?.prompts?.directory ?? textEncoder, device: device)
    try prompts.check(plan.configuration.adapter)
    texts = TextStates(prompts, maxTokens: plan.configuration.adapter.maxTokens, bfloat16: plan.bfloat16)
    networks = try TrainedNetworks(
      plan, labels: data.labelCount, from: start, textEncoder: prompts.encoder, on: device)
    if start?.prompts != nil || (plan.trainsTextEncoder && plan.lora == nil) { networks.model.prompts = prompts }
    // Images of a folder are more than the start's scenes, and no other scenes.
    networks.model.scenes = data.scenesOfModel ?? start?.scenes
    self.winograd = winograd ?? (device == .cpu && !plan.bfloat16 && Libtorch.winogradPays)
    if device != .cpu {
      deferred = DeferredMetrics()
      Libtorch.triesConvolutions(true)
    }
    examples = try data.examples(plan, side: plan.configuration.latentSize)
    if device != .cpu, let scenes = examples as? SceneExamples {
      upcoming = UpcomingBlocks(
        scenes, size: plan.configuration.imageSize / plan.configuration.autoencoder.superResolutionFactor)
    }
    self.regularization = try regularization?.examples(plan, side: plan.configuration.latentSize)
  }

  // MARK: - Shared by all steps

  /// Loads examples, with images in −1…1 on the device; adds the elapsed time to `dataWaitSeconds`.
  ///
  /// Images are transferred as bytes, a quarter of the size of floats.
  ///
  /// They are the run's examples unless others are given, or rendered `ahead`.
  func load(
    _ stream: ExampleStream, _ range: Range<Int>, size: Int, from others: (any TrainingExamples)? = nil,
    ahead: UpcomingBlocks? = nil
  ) throws -> ExampleBatch {
    let begun = Date()
    defer { dataWaitSeconds += Date().timeIntervalSince(begun) }
    let ready = ahead.map { $0.batch(range) }
    var batch = try ready ?? (others ?? examples).batch(stream, range, size: size)
    let moved = batch.images.to(device)
    batch.images = moved.dtype == .uint8 ? moved.to(.float32) / 127.5 - 1 : moved
    return batch
  }

  /// The random generator of one step and purpose, on the device.
  func generator(_ step: Int, _ purpose: Purpose) -> Generator {
    var random = SplitMix64(seed: plan.seed &* 16 &+ purpose.rawValue &+ 0x9e37, index: UInt64(step))
    return Generator(mixed: random.next(), device: device)
  }

  /// The purposes of random numbers in a step.
  enum Purpose: UInt64 {
    case reconstruction = 1
    case diffusion, superResolution, joint, pool, windows, captions, decoder, captionGap,
      regularization, regeneration
  }

  /// The denoising loss at a step.
  func loss(at step: Int) -> DiffusionLoss {
    DiffusionLoss(
      schedule: model.schedule, lossType: plan.lossType(at: step), timeShift: plan.timeShift,
      uniformShare: plan.uniformTimesteps,
      minSNR: plan.minSNR)
  }

  /// The tables of a loss, created once.
  func tables(of loss: DiffusionLoss) -> LossTables {
    if let known = tables[loss.lossType] { return known }
    let new = LossTables(loss, device: device)
    tables[loss.lossType] = new
    return new
  }

  /// Image size of encoder and decoder, before super-resolution.
  var baseSize: Int { model.configuration.imageSize / model.configuration.autoencoder.superResolutionFactor }

  /// Runs `body` with the plan's precision and gradient checkpointing, and with Winograd's algorithm if the trainer uses it.
  func inPrecision<R>(_ body: () -> R) -> R {
    GradientCheckpointing.$isOn.withValue(plan.gradientCheckpointing) {
      withWinograd(enabled: winograd) { withAutocast(device, enabled: plan.bfloat16, body) }
    }
  }
}

// Continuing without optimizer state.

extension TrainingPlan {
  /// Warmup steps after a run continues without optimizer state.
  ///
  /// At least 1 / (1 − beta2), the horizon of AdamW's second moments, and at least the warmup of the run.
  var restartSteps: Int { max(warmup, Int((1 / (1 - beta2)).rounded())) }
}

extension Trainer {
  /// Runs a step and returns its metrics.
  ///
  /// A non-finite loss stops the run; the step is then repeated with a probe that finds the first non-finite layer.
  ///
  /// Several processes repeat it together, and the first one at fault reports it.
  func train(_ step: Int) throws -> [String: Double] {
    do {
      return group.mean(try perform(step))
    } catch RunError.notFinite(let step, let what, let value, nil, let examples) {
      let fault = LayerProbe.firstFault { _ = try? perform(step) }
      let key = fault.flatMap { fault in networks.state.first { $0.tensor === fault.weight }?.key }
      let layer = fault.map { "\(key ?? "a layer") (\($0.type))" }
      let error = RunError.notFinite(step: step, what: what, value: value, layer: layer, examples: examples)
      throw group.failure(error, reportedBy: group.rank)
    } catch let error as RunError {  // a gradient, whose mean all processes have
      throw group.failure(error)
    } catch let fault as FaultElsewhere {
      _ = try? perform(step)
      throw ProcessGroupError.elsewhere(fault.rank)
    }
  }

  /// The loss of another process is not finite.
  private struct FaultElsewhere: Error {
    let rank: Int
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

  /// Backpropagates a micro-batch that is `share` of its batch; a non-finite loss stops the run.
  ///
  /// The last one `completes` the gradients of an optimizer, which several processes then exchange during the pass.
  func accumulate(
    _ total: Tensor, _ share: Double, _ step: Int, _ what: String, ids: @autoclosure () -> [String] = [],
    completes optimizer: Optimizer? = nil
  ) throws {
    if let deferred {
      deferred.watch(loss: total, step, what)
    } else {
      let value = total.item()
      if let faulty = group.first(where: !value.isFinite) {
        guard faulty == group.rank else { throw FaultElsewhere(rank: faulty) }
        throw RunError.notFinite(step: step, what: what, value: value.shown, layer: nil, examples: ids())
      }
    }
    // Checkpointing accumulates in parts; the factors of a LoRA get their gradients after the pass.
    if let optimizer, group.count > 1, !plan.gradientCheckpointing, plan.lora == nil {
      average = GradientAverage(optimizer.parameters.map(\.tensor), group: group)
    }
    (total * share).backward()
  }

  /// Applies the accumulated gradients; a non-finite gradient stops the run.
  ///
  /// Records the gradient norm before clipping as `name`.
  func update(
    _ optimizer: Optimizer, _ learningRate: Double, _ step: Int, _ what: String, ids: @autoclosure () -> [String] = [],
    norm name: String? = nil, to values: inout [String: Double]
  ) throws {
    if let deferred {
      let norm = deferred.update(optimizer, learningRate * restartShare(at: step), step, what)
      if let name { deferred.add(name, norm, weight: 1) }
      return
    }
    if let average {
      average.finish()
      self.average = nil
    } else {
      group.average(optimizer.parameters.compactMap(\.tensor.grad))
    }
    do throws(Optimizer.NotFinite) {
      let norm = try optimizer.step(learningRate: learningRate * restartShare(at: step))
      if let name { values[name] = norm }
    } catch {
      throw RunError.notFinite(
        step: step, what: "gradient of the \(what)", value: error.norm.shown, layer: error.key, examples: ids())
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
