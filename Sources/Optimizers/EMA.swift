import Foundation
import NN
import Torch

/// A slowly moving copy of parameters, which draws better pictures than the parameters themselves.
///
/// A power function of the step rather than a fixed decay: the average is always about as wide as a given share of the
/// steps so far, and forgets the start ("Analyzing and Improving the Training Dynamics of Diffusion Models", Karras et
/// al., 2024, §3.1).
public final class MovingAverage {
  /// The averages, under the keys of the parameters.
  public let parameters: [NamedTensor]
  /// The deviation of the weights' age, as a share of the steps so far; 0 keeps the parameters as they are.
  public let length: Double
  private let originals: [Tensor]
  private let exponent: Double

  /// Begins as a copy of the parameters, which it keeps reading; `length` is 0 ..< 0.289.
  public init(_ parameters: [NamedTensor], length: Double) {
    originals = parameters.map(\.tensor)
    self.parameters = parameters.map { named in (named.key, withNoGrad { named.tensor.detached().clone() }) }
    self.length = length
    exponent = Self.exponent(length: length)
  }

  /// Moves towards the parameters; `count` updates were made before, and the first one takes them as they are.
  public func update(count: Int) {
    let decay = exponent.isFinite ? pow(1 - 1 / Double(count + 1), exponent + 1) : 0
    Foreach.lerp(parameters.map(\.tensor), towards: originals, 1 - decay)
  }

  /// The exponent γ of a length: weights of the age a of t steps count (1 − a/t)^γ, whose deviation relative to t is
  /// √(γ + 1) / ((γ + 2) √(γ + 3)); lengths are below that of γ = 0, 0.289.
  static func exponent(length: Double) -> Double {
    if length == 0 { return .infinity }
    func deviation(_ exponent: Double) -> Double {
      (exponent + 1).squareRoot() / ((exponent + 2) * (exponent + 3).squareRoot())
    }
    // It falls as γ grows: bisect, in γ's logarithm.
    var (low, high) = (1e-6, 1e9)
    for _ in 0..<100 {
      let middle = (low * high).squareRoot()
      if deviation(middle) > length { low = middle } else { high = middle }
    }
    return low
  }

  /// Runs `body` while the parameters hold the average.
  public func withAverage<R>(_ body: () throws -> R) rethrows -> R {
    let saved = originals.map { original in withNoGrad { original.detached().clone() } }
    func copy(_ sources: [Tensor]) {
      withNoGrad { for (target, source) in zip(originals, sources) { target.copy_(source) } }
    }
    copy(parameters.map(\.tensor))
    defer { copy(saved) }
    return try body()
  }
}
