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
