import Flux
import Foundation
import Images
import Models
import Support
import Torch

/// A training run: a folder that one process at a time trains in, and everything that a trainer leaves there.
///
///     log.jsonl, events.out.tfevents.…     measurements, for `flux plot` and TensorBoard
///     checkpoint-00000200/                 the state of a step, to continue from
///     model/                               the model as it is, with averaged weights
///     reconstructions.png, samples.png     to look at
public final class TrainingRun {
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

    /// What a run that was stopped says, of a number of steps.
    public func sentence(of steps: Int) -> String {
      switch self {
      case .finished: "all \(steps) steps are done"
      case .stopped(0): "stopped before the first step: there was nothing to save"
      case .stopped(let step): "stopped after step \(step) of \(steps), all saved; the same command continues"
      }
    }
  }

  public let trainer: Trainer
  public let folder: URL
  private let saving: Saving
  /// Steps done so far, those of the run's earlier parts included.
  public private(set) var stepsDone = 0
  private var plan: TrainingPlan { trainer.plan }
  private var networks: TrainedNetworks { trainer.networks }
  private var model: ModelBundle { trainer.model }

  /// A run in a folder, which is created; nothing is read or written before `run`.
  public init(_ trainer: Trainer, in folder: URL, saving: Saving = Saving()) {
    self.trainer = trainer
    self.folder = folder
    self.saving = saving
  }

  /// Runs the steps that are left, until `shouldStop` says so.
  ///
  /// Continues the newest checkpoint of the folder that is whole. A plan with more steps than before lengthens the run.
  /// `shouldStop` is asked before every step, and before every block of images while the pool is filled, with the seconds
  /// that saving takes. Throws where another process trains in the folder, and where the folder holds another run.
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
    var savingTakes = 1 + Double(bytes) / 1e8  // seconds on a slow disk, until one was measured
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
      let (begun, before) = (Date(), trainer.waited)
      var values = try trainer.train(step)
      values["waiting"] = (trainer.waited - before) / Date().timeIntervalSince(begun)
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

  /// Fills the pool where the step needs one; false where that was stopped.
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

  /// Writes the model as it draws best: U-Net and adapter averaged.
  private func saveModel() throws {
    try networks.withAverage { try saveModel("model") }
  }

  /// Writes a model for each further average: which length is best is only known from what they draw.
  private func saveFurtherModels() throws {
    for average in networks.averages.dropFirst() {
      try average.withAverage { try saveModel("model-average-\(average.decay)") }
    }
  }

  /// Writes the model with the weights that it has now, in the place of an older one.
  private func saveModel(_ name: String) throws {
    try AtomicFolder.write(folder.appendingPathComponent(name)) { url throws(CheckpointError) in
      try model.save(to: url, as: saving.storage)
    }
  }

  /// Pictures and what the autoencoder makes of them, to look at.
  private func saveReconstructions(_ step: Int, _ log: TrainingLog) throws {
    let size = model.configuration.imageSize
    let pictures = try trainer.load(.preview, 0..<8, size: size).pictures
    let painted = withNoGrad { model.autoencoder.decode(model.autoencoder.encode(pictures)) }
    let sheet = ContactSheet.lay(
      TensorImage.images(pictures.to(.cpu)) + TensorImage.images(painted.to(.cpu)), columns: 8)
    try show(sheet, "reconstructions", step, log)
  }

  /// What the model as it is draws for the captions of the first eight pictures, always from the same noise.
  private func saveSamples(_ step: Int, _ log: TrainingLog) throws {
    guard step > plan.range(of: .joint).lowerBound, plan.stage(at: step - 1) != .autoencoder else { return }
    let captions = try trainer.examples.batch(.preview, 0..<8, size: 8).captions
    let pipeline = Pipeline(model: model, prompts: trainer.prompts, source: ModelSource(name: "training", hash: ""))
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
}
