import Optimizers
import Runs
import Support
import Torch

/// Metrics that stay on the device, since reading a number waits for all work queued before it.
///
/// Losses and gradient norms are kept for each step, so that the first non-finite one can be reported when they are read.
/// The update of such a step is skipped on the device.
final class DeferredMetrics {
  /// A number that should be finite.
  struct Watched {
    let step: Int
    let what: String
    let value: Tensor  // scalar
  }

  private var watched: [Watched] = []
  private var sums: [String: (sum: Tensor, weight: Double)] = [:]
  /// 1 if a loss of the current update is not finite; nil before its first.
  private var fault: Tensor?

  /// Adds a value to the mean of a metric; the weights of a step sum to 1.
  func add(_ name: String, _ value: Tensor, weight: Double) {
    let part = withNoGrad { value.detached() * weight }
    guard let old = sums[name] else { return sums[name] = (part, weight) }
    sums[name] = (old.sum + part, old.weight + weight)
  }

  /// Records the loss of a micro-batch.
  func watch(loss: Tensor, _ step: Int, _ what: String) {
    let value = withNoGrad { loss.detached() }
    watched.append(Watched(step: step, what: what, value: value))
    let flag = value.nonFiniteFlag
    fault = fault.map { $0.maximum(flag) } ?? flag
  }

  /// Applies the gradients, unless one of them or a recorded loss is not finite.
  ///
  /// Returns the gradient's norm.
  func update(_ optimizer: Optimizer, _ learningRate: Double, _ step: Int, _ what: String) -> Tensor {
    let norm = optimizer.step(learningRate: learningRate, unless: fault)
    watched.append(Watched(step: step, what: "gradient of the \(what)", value: norm))
    fault = nil
    return norm
  }

  /// Reads and clears the recorded losses and norms; returns the first non-finite one.
  func firstFault() -> (step: Int, what: String, value: Double)? {
    guard !watched.isEmpty else { return nil }
    defer { watched = [] }
    let values = Tensor.stack(watched.map { $0.value.reshaped([1]) }).doubles()
    return zip(watched, values).first { !$1.isFinite }.map { ($0.step, $0.what, $1) }
  }

  /// Reads and clears the means.
  func means() -> [String: Double] {
    defer { sums = [:] }
    return sums.mapValues { $0.sum.item() / $0.weight }
  }
}

// On an asynchronous device metrics are read only occasionally.

extension Trainer {
  /// Throws if a step since the last check had a non-finite loss or gradient.
  ///
  /// That step is repeated with the layer probe on, to name the layer. If it succeeds this time, because later steps have
  /// changed the weights, the error names only the step.
  func checkDeferred() throws {
    guard let fault = deferred?.firstFault() else { return }
    deferred = nil
    _ = try train(fault.step)
    throw RunError.notFinite(
      step: fault.step, what: fault.what, value: fault.value.shown, layer: nil, examples: [])
  }

  /// Means of the metrics since the last call; throws like `checkDeferred`.
  func readDeferred() throws -> [String: Double] {
    try checkDeferred()
    return deferred?.means() ?? [:]
  }
}
