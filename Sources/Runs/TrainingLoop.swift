import Distributed
import Foundation
import NN
import Torch

/// What a `TrainingRun` runs, saves and continues: networks, their optimizer and one training step after the other.
///
/// All randomness of a step depends on its index and on the settings. Then the tensors below are all that has to be saved
/// for a continued run to end in the same weights, to the bit.
public protocol TrainingLoop: AnyObject {
  /// The settings by name, which a continued run must share; one of them is `steps`.
  var identity: PlanIdentity { get }
  /// Number of steps of the whole run.
  var stepCount: Int { get }
  /// Number of warmup steps after the run continued without optimizer state, or with more steps than before.
  var restartSteps: Int { get }
  /// The step at which the run last continued so, if it did.
  var restarted: Int? { get set }
  /// Called with problems that do not stop the run.
  var onWarning: (String) -> Void { get }
  /// The processes that run the same loop; process 0 writes the folder of the run.
  var group: ProcessGroup { get }

  // MARK: - Checkpoints

  /// The tensors that every checkpoint has, under unique keys: weights, EMAs, statistics.
  var weights: [NamedTensor] { get }
  /// Optimizer state; a run can also continue without it.
  var moments: [NamedTensor] { get }
  /// Further tensors, which `resume` reads by itself: their number may change from step to step.
  var buffers: [NamedTensor] { get }
  /// Text that a checkpoint stores beside `step`, `plan` and `restarted`.
  var metadata: [String: String] { get }
  /// Prefixes of keys, each with its spelling in checkpoints of earlier versions.
  var olderKeys: [String: String] { get }
  /// Takes over what only this loop knows of a checkpoint, after weights and optimizer state were read from it.
  func resume(_ checkpoint: TrainingCheckpoint.Contents) throws
  /// Does the same in the processes that did not read the checkpoint; their tensors come from process 0.
  func follow(_ record: TrainingCheckpoint.Record, isLonger: Bool)

  // MARK: - Steps

  /// Name of the stage that a step belongs to, for the log.
  func stage(at step: Int) -> String
  /// Checks what can be known before the first step of a session; `step` steps are done, and nothing is written yet.
  func check(at step: Int) throws
  /// Measures before the first step of a session; `step` steps are done.
  func begin(at step: Int, _ log: TrainingLog) throws
  /// Prepares a step; false if `shouldStop`, called before every part of a long preparation, returned true.
  func isReady(for step: Int, unless shouldStop: () -> Bool) throws -> Bool
  /// Runs a step and returns its metrics; throws if a loss or gradient is not finite.
  func takeStep(_ step: Int) throws -> [String: Double]
  /// Means of metrics that steps did not return, since the last call.
  func lateMetrics() throws -> [String: Double]
  /// Throws if a step since the last call had a loss or gradient that is not finite and that `takeStep` did not see.
  func checkSteps() throws

  // MARK: - Results

  /// Writes the networks ready for use into the run's folder, replacing those of earlier steps.
  func saveModel(in folder: URL) throws
  /// Writes what is made only when a session ends.
  func saveFurtherModels(in folder: URL) throws
  /// Writes what shows the state after `step` steps; called with every checkpoint.
  func savePreviews(after step: Int, in folder: URL, _ log: TrainingLog) throws
  /// Called after every step; `step` steps are done, and `isSaved` says whether that was saved.
  func report(after step: Int, isSaved: Bool, in folder: URL, _ log: TrainingLog) throws
}

extension TrainingLoop {
  /// A single process, by default.
  public var group: ProcessGroup { .single }
  /// Nothing, by default.
  public func follow(_ record: TrainingCheckpoint.Record, isLonger: Bool) {}
  /// No buffers, by default.
  public var buffers: [NamedTensor] { [] }
  /// No further text, by default.
  public var metadata: [String: String] { [:] }
  /// The same keys in all versions, by default.
  public var olderKeys: [String: String] { [:] }
  /// Nothing further, by default.
  public func resume(_ checkpoint: TrainingCheckpoint.Contents) throws {}
  /// Nothing, by default.
  public func check(at step: Int) throws {}
  /// Nothing, by default.
  public func begin(at step: Int, _ log: TrainingLog) throws {}
  /// Always ready, by default.
  public func isReady(for step: Int, unless shouldStop: () -> Bool) throws -> Bool { true }
  /// None, by default: steps return all metrics.
  public func lateMetrics() throws -> [String: Double] { [:] }
  /// Nothing, by default: steps see all faults.
  public func checkSteps() throws {}
  /// Nothing, by default.
  public func saveFurtherModels(in folder: URL) throws {}
  /// Nothing, by default.
  public func savePreviews(after step: Int, in folder: URL, _ log: TrainingLog) throws {}
  /// Nothing, by default.
  public func report(after step: Int, isSaved: Bool, in folder: URL, _ log: TrainingLog) throws {}
}

// Continuing with a learning rate that has to rise again.

extension TrainingLoop {
  /// The factor of the learning rate at a step: below 1 only during the warmup after a restart.
  public func restartShare(at step: Int) -> Double {
    guard let restarted else { return 1 }
    return min(1, Double(step - restarted + 1) / Double(restartSteps))
  }

  /// The log message when a run continues; nil at its start.
  func continuation(at step: Int) -> String? {
    guard step > 0 else { return nil }
    let left = restarted.map { max(0, $0 + restartSteps - step) } ?? 0
    return "continues after step \(step)" + (left == 0 ? "" : ": the learning rate warms up again over \(left) steps")
  }
}
