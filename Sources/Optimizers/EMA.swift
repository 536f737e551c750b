import Foundation
import NN
import Torch

/// An exponential moving average of parameters, which draws better images than the parameters themselves.
public final class EMA {
  /// The rate at which old values are forgotten.
  public enum Decay: Sendable, Equatable, CustomStringConvertible {
    /// The average is always about as wide as a given share σ_rel of the steps so far, and forgets the start ("Analyzing
    /// and Improving the Training Dynamics of Diffusion Models", Karras et al., 2024, §3.1). 0 ..< 0.289; 0 keeps the
    /// parameters as they are.
    case relativeWidth(Double)
    /// The share of the average that remains in each step, at most (1 + n) / (10 + n) in step n, as in TensorFlow.
    case constant(Double)

    public var description: String {
      switch self {
      case .relativeWidth(let width): "\(width)"
      case .constant(let decay): "constant \(decay)"
      }
    }
  }

  /// The averages, under the keys of the parameters.
  public let parameters: [NamedTensor]
  /// The decay that the average was made with.
  public let decay: Decay
  private let originals: [Tensor]
  private let exponent: Double

  /// Begins as a copy of the parameters, which it keeps reading.
  public init(_ parameters: [NamedTensor], decay: Decay) {
    originals = parameters.map(\.tensor)
    self.parameters = parameters.map { named in (named.key, withNoGrad { named.tensor.detached().clone() }) }
    self.decay = decay
    exponent = if case .relativeWidth(let width) = decay { Self.exponent(relativeWidth: width) } else { 0 }
  }

  /// Moves towards the parameters; `count` updates were made before, and the first one takes them nearly as they are.
  public func update(count: Int) {
    Foreach.lerp(parameters.map(\.tensor), towards: originals, 1 - kept(count: count))
  }

  /// The share of the average that stays in the update after `count` others.
  private func kept(count: Int) -> Double {
    switch decay {
    case .relativeWidth: exponent.isFinite ? pow(1 - 1 / Double(count + 1), exponent + 1) : 0
    case .constant(let decay): min(decay, Double(1 + count) / Double(10 + count))
    }
  }

  /// The exponent γ of a relative width: weights of the age a of t steps count (1 − a/t)^γ, whose deviation relative to t
  /// is √(γ + 1) / ((γ + 2) √(γ + 3)); widths are below that of γ = 0, 0.289.
  static func exponent(relativeWidth width: Double) -> Double {
    if width == 0 { return .infinity }
    func deviation(_ exponent: Double) -> Double {
      (exponent + 1).squareRoot() / ((exponent + 2) * (exponent + 3).squareRoot())
    }
    // It falls as γ grows: bisect, in γ's logarithm.
    var (low, high) = (1e-6, 1e9)
    for _ in 0..<100 {
      let middle = (low * high).squareRoot()
      if deviation(middle) > width { low = middle } else { high = middle }
    }
    return low
  }

  /// Gives the parameters the average's values for good.
  public func copyToParameters() { copy(parameters.map(\.tensor)) }

  /// Runs `body` while the parameters hold the average.
  public func withEMAWeights<R>(_ body: () throws -> R) rethrows -> R {
    let saved = originals.map { original in withNoGrad { original.detached().clone() } }
    copyToParameters()
    defer { copy(saved) }
    return try body()
  }

  private func copy(_ sources: [Tensor]) {
    withNoGrad { for (target, source) in zip(originals, sources) { target.copy_(source) } }
  }
}
