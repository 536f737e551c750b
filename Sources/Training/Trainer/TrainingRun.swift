import Flux
import Foundation
import Images
import Models
import Support
import Torch

/// A training run: the training loop and its folder, which one process at a time may use.
///
///     log.jsonl, events.out.tfevents.…     metrics, for `flux plot` and TensorBoard
///     checkpoint-00000200/                 training state, to continue from
///     model/                               the current model, with EMA weights
///     reconstructions.png, samples.png     previews
public final class TrainingRun {
  /// When and how a run saves.
  public struct Saving {
    /// Number of steps between checkpoints.
    public var every: Int
    /// Number of checkpoints to keep; older ones are deleted.
    public var kept: Int
    /// Data type of the weights in the model directory.
    public var storage: Quantization
    /// Number of steps between sample images; 0 is never.
    public var samplesEvery: Int
    /// Includes optimizer state in checkpoints; without it, a continued run warms up again.
    public var moments: Bool
    /// Maximum size of a checkpoint file in bytes.
    public var shardBytes: Int

    /// Saving with the given settings; the defaults keep two complete checkpoints and make no samples.
    public init(
      every: Int = 200, kept: Int = 2, storage: Quantization = .float32, samplesEvery: Int = 0, moments: Bool = true,
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

  /// The end of a run.
  public enum Outcome: Sendable, Equatable {
    /// All steps of the plan are done.
    case finished
    /// Stopped on request, with everything saved that is needed to continue.
    case stopped(step: Int)

    /// A message about the outcome of a run of `steps` steps.
    public func sentence(of steps: Int) -> String {
      switch self {
      case .finished: "all \(steps) steps are done"
      case .stopped(0): "stopped before the first step: nothing to save"
      case .stopped(let step): "stopped and saved after step \(step) of \(steps); the same command continues"
      }
    }
  }

  /// The networks and their training steps.
  public let trainer: Trainer
  /// The folder for log, checkpoints, model and previews.
  public let folder: URL
  private let saving: Saving
  /// Steps done so far, including those of earlier sessions.
  public private(set) var stepsDone = 0
  private var plan: TrainingPlan { trainer.plan }
  private var networks: TrainedNetworks { trainer.networks }
  private var model: ModelBundle { trainer.model }

  /// A run in a folder; nothing is read or written before `run`.
  public init(_ trainer: Trainer, in folder: URL, saving: Saving = Saving()) {
    self.trainer = trainer
    self.folder = folder
    self.saving = saving
  }

  /// Runs the remaining steps until `shouldStop` returns true.
  ///
  /// Continues from the newest intact checkpoint of the folder. A plan with more steps than before extends the run.
  /// `shouldStop` is called before every step, and before every block of images while the pool is filled, with the
  /// seconds that saving takes. Throws if another process uses the folder, or if it holds another run.
  public func run(
    quiet: Bool = true, shouldStop: (_ savingTakes: Double) -> Bool = { _ in false }
  ) throws -> Outcome {
    let lock = try RunLock(folder)
    defer { withExtendedLifetime(lock) {} }
    let position = try TrainingCheckpoint.load(into: trainer, folder: folder)
    let first = position?.step ?? 0
    trainer.restarted = position?.restarted
    try trainer.checkCache(at: first)
    let log = try TrainingLog(folder: folder, step: first, total: plan.steps, quiet: quiet)
    if let note = trainer.continuation(at: first) {
      try log.say(note, stage: plan.stage(at: first).rawValue, step: first)
    }
    var saved = first
    let bytes = (saving.moments ? networks.state : networks.weights).reduce(0) { $0 + 4 * $1.tensor.count }
    var savingTakes = 1 + Double(bytes) / 1e8  // seconds, assuming a slow disk until the first save is measured
    func save(_ step: Int) throws {
      let start = Date()
      try self.save(step, log)
      (saved, savingTakes) = (step, Date().timeIntervalSince(start))
    }
    for step in first..<max(first, plan.steps) {
      stepsDone = step
      func isEnd() -> Bool { shouldStop(savingTakes) }
      if try isEnd() || !isReady(for: step, unless: isEnd) {
        try trainer.checkDeferred()
        if saved != step { try save(step) }
        try saveFurtherModels()
        return .stopped(step: step)
      }
      let (begun, before) = (Date(), trainer.dataWaitSeconds)
      var values = try trainer.train(step)
      values["dataWait"] = (trainer.dataWaitSeconds - before) / Date().timeIntervalSince(begun)
      try log.add(values, stage: plan.stage(at: step).rawValue, step: step + 1, late: trainer.readDeferred)
      if (step + 1) % saving.every == 0 || step + 1 == plan.steps {
        try trainer.checkDeferred()
        try save(step + 1)
      }
      let last = step + 1 == plan.steps
      if saving.samplesEvery > 0, (step + 1) % saving.samplesEvery == 0 || last { try saveSamples(step + 1, log) }
    }
    if first == plan.steps { try saveModel() }
    try saveFurtherModels()
    return .finished
  }

  /// Fills the pool if the step needs it; false if that was stopped.
  private func isReady(for step: Int, unless shouldStop: () -> Bool) throws -> Bool {
    guard trainer.pool == nil, plan.stage(at: step) == .diffusion else { return true }
    return try trainer.filledPool(at: step, shouldStop: shouldStop) != nil
  }

  private func save(_ step: Int, _ log: TrainingLog) throws {
    let position = TrainingCheckpoint.Position(step: step, restarted: trainer.restarted)
    try TrainingCheckpoint.save(networks, at: position, plan: plan, folder: folder, saving)
    try saveModel()
    try saveReconstructions(step, log)
  }

  /// Writes the model with the EMA weights of U-Net and adapter.
  private func saveModel() throws {
    try networks.withEMAWeights { try saveModel("model") }
  }

  /// Writes a model for each further EMA: which width is best only their images show.
  private func saveFurtherModels() throws {
    for ema in networks.emas.dropFirst() {
      try ema.withEMAWeights { try saveModel("model-ema-\(ema.decay)") }
    }
  }

  /// Writes the model with its current weights and replaces an older one.
  private func saveModel(_ name: String) throws {
    try AtomicFolder.write(folder.appendingPathComponent(name)) { url throws(CheckpointError) in
      try model.save(to: url, as: saving.storage)
    }
  }

  /// Writes a contact sheet of images and their reconstructions.
  private func saveReconstructions(_ step: Int, _ log: TrainingLog) throws {
    let size = model.configuration.imageSize
    let images = try trainer.load(.preview, 0..<8, size: size).images
    let decoded = withNoGrad { model.autoencoder.decode(model.autoencoder.encode(images)) }
    let sheet = ContactSheet.lay(
      TensorImage.images(images.to(.cpu)) + TensorImage.images(decoded.to(.cpu)), columns: 8)
    try show(sheet, "reconstructions", step, log)
  }

  /// Writes samples for the captions of the first eight images, always from the same noise.
  private func saveSamples(_ step: Int, _ log: TrainingLog) throws {
    guard step > plan.range(of: .joint).lowerBound, plan.stage(at: step - 1) != .autoencoder else { return }
    let captions = try trainer.examples.batch(.preview, 0..<8, size: 8).captions
    let pipeline = Pipeline(model: model, prompts: trainer.prompts, source: ModelSource(name: "training", hash: ""))
    let images = try networks.withEMAWeights {
      try captions.enumerated().map { index, caption in
        var request = GenerationRequest(prompt: caption, seed: UInt64(index), steps: 12)
        if plan.captionDropout == 0 { request.guidance.scale = 1 }  // it never learned what the empty caption means
        return try pipeline.generate(request).image
      }
    }
    try show(ContactSheet.lay(images, columns: 4), "samples", step, log)
  }

  private func show(_ sheet: Image, _ name: String, _ step: Int, _ log: TrainingLog) throws {
    let png = try PNG.encode(sheet)
    try AtomicFile.write(png, to: folder.appendingPathComponent("\(name).png"))
    try log.add(name, png: png, width: sheet.width, height: sheet.height, step: step)
  }
}
