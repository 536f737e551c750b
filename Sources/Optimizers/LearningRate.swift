import Foundation

/// A learning-rate schedule as a share of the peak: a linear warm-up, a plateau, and a decay to zero.
public struct LearningRate: Sendable, Equatable {
  /// The form of the decay.
  public enum Decay: Sendable, Equatable {
    /// Linearly over this share of the steps, the last ones (0: not at all): warmup-stable-decay, Hu et al., 2024.
    case linear(share: Double)
    /// Along half a cosine, from the end of the warm-up on (Loshchilov & Hutter 2017, without restarts).
    case cosine
  }

  /// Steps until the peak is reached.
  public var warmup: Int
  /// The form of the decay after the peak.
  public var decay: Decay

  /// A schedule with `warmup` steps of linear rise, then the given decay.
  public init(warmup: Int, decay: Decay) {
    (self.warmup, self.decay) = (warmup, decay)
  }

  /// The share of the peak at a step of `range`, 0…1.
  public func share(at step: Int, in range: Range<Int>) -> Double {
    let done = Double(step - range.lowerBound)
    let count = Double(range.count)
    let rise = min(1, (done + 1) / Double(max(warmup, 1)))
    switch decay {
    case .linear(let share): return rise * min(1, (count - done) / max(share * count, 1))
    case .cosine:
      guard done >= Double(warmup) else { return rise }
      return 0.5 + 0.5 * cos(.pi * (done - Double(warmup)) / max(count - Double(warmup), 1))
    }
  }
}
