import Distributed
import Foundation
import NN
import Support
import Torch

/// A training run: a training loop and its folder, which one process at a time may use.
///
///     log.jsonl, events.out.tfevents.…     metrics, for `flux plot` and TensorBoard
///     checkpoint-00000200/                 training state, to continue from
///     run.lock                             locked while a process trains
///
/// The loop adds the networks for use, and previews. Of several processes that train together, only process 0 reads and
/// writes the folder.
public final class TrainingRun {
  /// When and how a run saves.
  public struct Saving: Sendable {
    /// Number of steps between checkpoints.
    public var every: Int
    /// Number of checkpoints to keep; older ones are deleted.
    public var kept: Int
    /// Includes optimizer state in checkpoints; without it, a continued run warms up again.
    public var moments: Bool
    /// Maximum size of a checkpoint file in bytes.
    public var shardBytes: Int

    /// Saving with the given settings; the defaults keep two complete checkpoints.
    public init(every: Int = 200, kept: Int = 2, moments: Bool = true, shardBytes: Int = WeightSet.shardLimit) {
      self.every = every
      self.kept = kept
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
  public let loop: any TrainingLoop
  /// The folder for log, checkpoints, networks and previews.
  public let folder: URL
  /// Steps done so far, including those of earlier sessions.
  public private(set) var stepsDone = 0
  private let saving: Saving

  /// A run in a folder; nothing is read or written before `run`.
  public init(_ loop: any TrainingLoop, in folder: URL, saving: Saving = Saving()) {
    self.loop = loop
    self.folder = folder
    self.saving = saving
  }

  /// Runs the remaining steps until `shouldStop` returns true.
  ///
  /// Continues from the newest intact checkpoint of the folder. More steps than before extend the run. `shouldStop` is
  /// called before every step and before every part of a long preparation, with the seconds that one more step and saving
  /// take at most, as measured so far. Throws if another process uses the folder, or if it holds another run.
  public func run(
    quiet: Bool = true, shouldStop: (_ reserve: Double) -> Bool = { _ in false }
  ) throws -> Outcome {
    let group = loop.group
    let lock = try group.together { group.isFirst ? try RunLock(folder) : nil }
    defer { withExtendedLifetime(lock) {} }
    let first = try restore()
    let log = try group.together {
      try loop.check(at: first)
      return try TrainingLog(
        folder: group.isFirst ? folder : nil, step: first, total: loop.stepCount, quiet: quiet || !group.isFirst)
    }
    if let note = loop.continuation(at: first) { try log.say(note, stage: loop.stage(at: first), step: first) }
    try loop.begin(at: first, log)
    var saved = first
    let bytes = (loop.weights + (saving.moments ? loop.moments : [])).reduce(0) { $0 + 4 * $1.tensor.count }
    var savingTakes = 1 + Double(bytes) / 1e8  // seconds, assuming a slow disk until the first save is measured
    var longestStep = 1.0  // seconds
    func save(_ step: Int) throws {
      let watch = Stopwatch()
      try checkEqualWeights(after: step)
      try group.inFirst {
        try TrainingCheckpoint.save(loop, at: step, folder: folder, saving)
        try loop.saveModel(in: folder)
        try loop.savePreviews(after: step, in: folder, log)
      }
      (saved, savingTakes) = (step, watch.seconds)
    }
    for step in first..<max(first, loop.stepCount) {
      stepsDone = step
      func isEnd() -> Bool { group.any(shouldStop(longestStep + 1.5 * savingTakes)) }
      if try isEnd() || !loop.isReady(for: step, unless: isEnd) {
        try loop.checkSteps()
        if saved != step { try save(step) }
        try group.inFirst { try loop.saveFurtherModels(in: folder) }
        return .stopped(step: step)
      }
      let watch = Stopwatch()
      let values = try loop.takeStep(step)
      longestStep = max(longestStep, watch.seconds)
      try log.add(values, stage: loop.stage(at: step), step: step + 1, late: loop.lateMetrics)
      let isSaved = (step + 1) % saving.every == 0 || step + 1 == loop.stepCount
      if isSaved {
        try loop.checkSteps()
        try save(step + 1)
      }
      if group.isFirst { try loop.report(after: step + 1, isSaved: isSaved, in: folder, log) }
    }
    try group.inFirst {
      if first == loop.stepCount { try loop.saveModel(in: folder) }
      try loop.saveFurtherModels(in: folder)
    }
    return .finished
  }
}
