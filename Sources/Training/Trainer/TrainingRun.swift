import Diffusion
import Flux
import Foundation
import Images
import Models
import NN
import Scenes
import Support
import Torch

/// Trains a model, from scratch or from another model on: one loop through the plan's stages.
///
/// All randomness of a step comes from (seed, step), so that a run can be stopped at any moment and continued from
/// its last checkpoint to the same weights.
public final class Trainer {
  /// When and how a run writes what it has.
  public struct Saving {
    public var every: Int  // steps between checkpoints
    public var kept: Int  // checkpoints that stay
    public var storage: Quantisation  // of the model's directory
    public var samplesEvery: Int  // steps between drawings of the same few captions; 0 is never
    public var moments: Bool  // whether checkpoints hold the optimisers' moments
    public var shardBytes: Int  // the largest file of a checkpoint

    public init(
      every: Int = 200, kept: Int = 2, storage: Quantisation = .float32, samplesEvery: Int = 0, moments: Bool = true,
      shardBytes: Int = WeightSet.shardLimit
    ) {
      self.every = every
      self.kept = kept
      self.storage = storage
      self.samplesEvery = samplesEvery
      self.moments = moments
      self.shardBytes = shardBytes
    }
  }

  /// How a run ended.
  public enum Outcome: Sendable, Equatable {
    case finished
    /// Asked to stop; everything that the next run needs is saved.
    case stopped(step: Int)
  }

  public let plan: TrainingPlan
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
  /// Steps done so far, those of the run's earlier parts included.
  public private(set) var stepsDone = 0
  private(set) var waited = 0.0  // seconds for pictures, since the start
  private(set) var restarted: Int?  // the step at which the optimisers last began without moments
  private let folder: URL
  private let textEncoder: URL

  /// Builds the networks of the plan's preset; nothing is written yet.
  ///
  /// `start` gives its weights to them: the autoencoder's, and those of U-Net and adapter where they have the preset's
  /// sizes (else they learn anew). Throws where its autoencoder has other sizes than the preset's. `cache` is a folder
  /// that keeps what the last stage's encoder makes. `winograd` sets `Libtorch.usesWinograd` for the process; without a
  /// value it is on for float32 on a CPU where it is faster.
  public init(
    _ plan: TrainingPlan, on data: TrainingData = .scenes(.small), from start: ModelBundle? = nil, folder: URL,
    textEncoder: URL, cache: URL? = nil, device: Device = .cpu, winograd: Bool? = nil
  ) throws {
    precondition(plan.data == data.name, "the plan was made for other data")
    self.plan = plan
    self.folder = folder
    self.device = device
    self.textEncoder = textEncoder
    cacheFolder = cache
    prompts = try PromptEncoder(directory: textEncoder, device: device)
    texts = TextStates(prompts, maxTokens: plan.configuration.adapter.maxTokens, bfloat16: plan.bfloat16)
    networks = try TrainedNetworks(plan, labels: data.labelCount, from: start, on: device)
    Libtorch.usesWinograd = winograd ?? (device == .cpu && !plan.bfloat16 && Libtorch.winogradPays)
    if device != .cpu {
      deferred = DeferredMeasures()
      Libtorch.triesConvolutions(true)
    }
    examples = try data.examples(plan, side: plan.configuration.latentSize)
  }

  /// Runs the steps that are left, until `shouldStop` says so.
  ///
  /// The folder gets `log.jsonl`, TensorBoard's event files, checkpoints, pictures, and the model as it is in
  /// `model/`. `shouldStop` is asked before every step, and before every block of pictures while the pool is filled, with
  /// the seconds that saving takes.
  public func run(
    saving: Saving = Saving(), quiet: Bool = true, shouldStop: (_ savingTakes: Double) -> Bool = { _ in false }
  ) throws -> Outcome {
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch { throw TrainingError.folder(folder.path) }
    let position = try TrainingCheckpoint.load(into: networks, plan: plan, folder: folder)
    let first = position?.step ?? 0
    restarted = position?.restarted
    try checkCache(at: first)
    let log = try TrainingLog(folder: folder, step: first, total: plan.steps, quiet: quiet)
    if let note = continuation(at: first) { try log.say(note, stage: plan.stage(at: first).rawValue, step: first) }
    var saved = first
    let bytes = (saving.moments ? networks.state : networks.weights).reduce(0) { $0 + 4 * $1.tensor.count }
    var savingTakes = 1 + Double(bytes) / 1e8  // seconds on a slow disk, until one was measured
    func save(_ step: Int) throws {
      let start = Date()
      try self.save(step, saving, log)
      (saved, savingTakes) = (step, Date().timeIntervalSince(start))
    }
    for step in first..<max(first, plan.steps) {
      stepsDone = step
      func isEnd() -> Bool { shouldStop(savingTakes) }
      if try isEnd() || !isReady(for: step, unless: isEnd) {
        try checkDeferred()
        if saved != step { try save(step) }
        try saveFurtherModels(saving.storage)
        return .stopped(step: step)
      }
      let (begun, before) = (Date(), waited)
      var values = try train(step)
      values["waiting"] = (waited - before) / Date().timeIntervalSince(begun)
      try log.add(values, stage: plan.stage(at: step).rawValue, step: step + 1, late: readDeferred)
      if (step + 1) % saving.every == 0 || step + 1 == plan.steps {
        try checkDeferred()
        try save(step + 1)
      }
      let last = step + 1 == plan.steps
      if saving.samplesEvery > 0, (step + 1) % saving.samplesEvery == 0 || last { try saveSamples(step + 1, log) }
    }
    if first == plan.steps { try saveModel(saving.storage) }
    try saveFurtherModels(saving.storage)
    return .finished
  }

  /// Fills the pool where the step needs one; false where that was stopped.
  private func isReady(for step: Int, unless shouldStop: () -> Bool) throws -> Bool {
    guard pool == nil, plan.stage(at: step) == .diffusion else { return true }
    return try filledPool(at: step, shouldStop: shouldStop) != nil
  }

  private func save(_ step: Int, _ saving: Saving, _ log: TrainingLog) throws {
    let position = TrainingCheckpoint.Position(step: step, restarted: restarted)
    try TrainingCheckpoint.save(networks, at: position, plan: plan, folder: folder, saving)
    try saveModel(saving.storage)
    try saveReconstructions(step, log)
  }

  /// Writes the model as it draws best: U-Net and adapter averaged.
  private func saveModel(_ storage: Quantisation) throws {
    try networks.withAverage { try saveModel("model", storage) }
  }

  /// Writes a model for each further average: which length is best is only known from what they draw.
  private func saveFurtherModels(_ storage: Quantisation) throws {
    for average in networks.averages.dropFirst() {
      try average.withAverage { try saveModel("model-average-\(average.length)", storage) }
    }
  }

  /// Writes the model with the weights that it has now, in the place of an older one.
  private func saveModel(_ name: String, _ storage: Quantisation) throws {
    try AtomicFolder.write(folder.appendingPathComponent(name)) { url throws(CheckpointError) in
      try model.save(to: url, as: storage)
    }
  }

  /// Pictures and what the autoencoder makes of them, to look at.
  private func saveReconstructions(_ step: Int, _ log: TrainingLog) throws {
    let size = model.configuration.imageSize
    let pictures = try load(.preview, 0..<8, size: size).pictures
    let painted = withNoGrad { model.autoencoder.decode(model.autoencoder.encode(pictures)) }
    let sheet = ContactSheet.lay(
      TensorImage.images(pictures.to(.cpu)) + TensorImage.images(painted.to(.cpu)), columns: 8)
    try show(sheet, "reconstructions", step, log)
  }

  /// What the model as it is draws for the captions of the first eight pictures, always from the same noise.
  private func saveSamples(_ step: Int, _ log: TrainingLog) throws {
    guard step > plan.range(of: .joint).lowerBound, plan.stage(at: step - 1) != .autoencoder else { return }
    let captions = try examples.batch(.preview, 0..<8, size: 8).captions
    let pipeline = Pipeline(model: model, prompts: prompts, source: ModelSource(name: "training", hash: ""))
    let pictures = try networks.withAverage {
      try captions.enumerated().map { index, caption in
        var request = GenerationRequest(prompt: caption, seed: UInt64(index), steps: 12)
        if plan.captionDropout == 0 { request.guidance.scale = 1 }  // it never learnt what the empty caption means
        return try pipeline.generate(request).image
      }
    }
    try show(ContactSheet.lay(pictures, columns: 4), "samples", step, log)
  }

  private func show(_ sheet: Image, _ name: String, _ step: Int, _ log: TrainingLog) throws {
    let png = try PNG.encode(sheet)
    try AtomicFile.write(png, to: folder.appendingPathComponent("\(name).png"))
    try log.add(name, png: png, width: sheet.width, height: sheet.height, step: step)
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
    return Generator(seed: random.next(), device: device)
  }

  /// What a step draws random numbers for.
  enum Purpose: UInt64 {
    case reconstruction = 1
    case diffusion, superResolution, joint, pool, windows, captions, decoder
  }

  /// The denoising loss of a step.
  func loss(at step: Int) -> DiffusionLoss {
    DiffusionLoss(
      schedule: model.schedule, distance: plan.distance(at: step), timeShift: plan.timeShift, minSNR: plan.minSNR)
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
