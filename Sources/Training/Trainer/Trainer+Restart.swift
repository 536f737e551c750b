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
