import Optimizers
import Torch

/// What steps measure, left on the device: reading a number would wait for all work before it.
///
/// Losses and norms of gradients are kept apart for each step, so that the first that is not finite can be named when they
/// are read; the update of such a step has been left out on the device itself.
final class DeferredMeasures {
  /// A number that should be finite.
  struct Watched {
    let step: Int
    let what: String
    let value: Tensor  // scalar
  }

  private var watched: [Watched] = []
  private var sums: [String: (sum: Tensor, weight: Double)] = [:]
  /// 1 where a loss of the update under way is not finite; nil before its first.
  private var fault: Tensor?

  /// Adds to the mean of a name; the weights of a step add up to 1.
  func add(_ name: String, _ value: Tensor, weight: Double) {
    let part = withNoGrad { value.detached() * weight }
    guard let old = sums[name] else { return sums[name] = (part, weight) }
    sums[name] = (old.sum + part, old.weight + weight)
  }

  /// Watches the loss of a piece of a batch.
  func watch(loss: Tensor, _ step: Int, _ what: String) {
    let value = withNoGrad { loss.detached() }
    watched.append(Watched(step: step, what: what, value: value))
    let flag = value.nonFiniteFlag
    fault = fault.map { $0.maximum(flag) } ?? flag
  }

  /// Updates from the gradients, unless one of them or of the losses before is not finite.
  ///
  /// Returns the gradient's norm.
  func update(_ optimiser: Optimizer, _ rate: Double, _ step: Int, _ what: String) -> Tensor {
    let norm = optimiser.step(learningRate: rate, unless: fault)
    watched.append(Watched(step: step, what: "gradient of the \(what)", value: norm))
    fault = nil
    return norm
  }

  /// Reads the watched numbers and forgets them; the first that is not finite, if any.
  func firstFault() -> (step: Int, what: String, value: Double)? {
    guard !watched.isEmpty else { return nil }
    defer { watched = [] }
    let values = Tensor.stack(watched.map { $0.value.reshaped([1]) }).doubles()
    return zip(watched, values).first { !$1.isFinite }.map { ($0.step, $0.what, $1) }
  }

  /// Reads the means and forgets them.
  func means() -> [String: Double] {
    defer { sums = [:] }
    return sums.mapValues { $0.sum.item() / $0.weight }
  }
}

// On a device that works on its own while the next steps are prepared, numbers are read only now and then.

extension Trainer {
  /// Throws where a step since the last check had a number that is not finite.
  ///
  /// That step is made again under the eyes of `train`, which names the layer; where it goes well this time, since the
  /// steps after it have moved the weights, the error names the step alone.
  func checkDeferred() throws {
    guard let fault = deferred?.firstFault() else { return }
    deferred = nil
    _ = try train(fault.step)
    throw TrainingError.notFinite(
      step: fault.step, what: fault.what, value: "\(fault.value)", layer: nil, examples: [])
  }

  /// Means of what was measured since the last time; throws as `checkDeferred`.
  func readDeferred() throws -> [String: Double] {
    try checkDeferred()
    return deferred?.means() ?? [:]
  }
}
