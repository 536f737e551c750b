import NN
import Torch

/// AdamW (Loshchilov & Hutter 2019) over named parameters, with libtorch's fused update and a limit on the gradient.
public final class AdamW {
  /// What it updates.
  public let parameters: [NamedTensor]
  let firstMoments: [Tensor]
  let secondMoments: [Tensor]
  public let steps: [Tensor]  // updates of each parameter so far
  private let one: Tensor
  private let weightDecay: Double
  private let secondBeta: Double
  private let gradientLimit: Double

  /// A gradient that is not finite, and so was not used.
  public struct NotFinite: Error, Equatable {
    public let key: String  // of the first parameter at fault
    public let norm: Double  // over all parameters
  }

  /// Moments of zero for every parameter; gradients whose norm is above `gradientLimit` are scaled down to it.
  public init(_ parameters: [NamedTensor], weightDecay: Double, secondBeta: Double = 0.99, gradientLimit: Double) {
    self.parameters = parameters
    firstMoments = parameters.map { Tensor.zeros($0.tensor.shape, device: $0.tensor.device) }
    secondMoments = parameters.map { Tensor.zeros($0.tensor.shape, device: $0.tensor.device) }
    steps = parameters.map { Tensor(0, dtype: .float32).to($0.tensor.device) }
    one = Tensor(1).to(parameters.first?.tensor.device ?? .cpu)
    self.weightDecay = weightDecay
    self.secondBeta = secondBeta
    self.gradientLimit = gradientLimit
  }

  /// Updates every parameter and forgets the gradients; returns the gradient's norm before the limit.
  ///
  /// Throws, and changes nothing, where the gradient is not finite.
  @discardableResult
  public func step(learningRate: Double) throws(NotFinite) -> Double {
    let gradients = parameters.map { named in
      guard let gradient = named.tensor.grad else { fatalError("\(named.key) got no gradient") }
      return gradient
    }
    defer { for (_, tensor) in parameters { tensor.clearGrad() } }
    let norm = Foreach.norm(gradients)
    guard norm.isFinite else {
      let faulty = zip(parameters, gradients).first { !$1.allFinite }
      throw NotFinite(key: faulty?.0.key ?? "their sum", norm: norm)
    }
    if norm > gradientLimit { Foreach.scale(gradients, by: gradientLimit / norm) }
    for count in steps { count.add_(one) }  // the update corrects its moments' bias by the count of updates
    Foreach.adamW(
      parameters: parameters.map(\.tensor), gradients: gradients, firstMoments: firstMoments,
      secondMoments: secondMoments, steps: steps, learningRate: learningRate, beta1: 0.9, beta2: secondBeta,
      weightDecay: weightDecay, eps: 1e-8)
    return norm
  }

  /// As `step`, without reading a number from the device: what is not finite leaves all as it is there.
  ///
  /// The same where `fault`, a float32 scalar on the device, is 1. Returns the gradient's norm before the limit.
  public func step(learningRate: Double, unless fault: Tensor?) -> Tensor {
    let gradients = parameters.map { named in
      guard let gradient = named.tensor.grad else { fatalError("\(named.key) got no gradient") }
      return gradient
    }
    defer { for (_, tensor) in parameters { tensor.clearGrad() } }
    return withNoGrad {
      let norm = Foreach.normTensor(gradients)
      let own = norm.nonFiniteFlag
      let skip = fault.map { $0.maximum(own) } ?? own
      if gradientLimit < Double(Float.greatestFiniteMagnitude) {
        Foreach.scale(gradients, by: (gradientLimit / norm).minimum(1))
      }
      Foreach.add(steps, 1 - skip)
      Foreach.adamW(
        parameters: parameters.map(\.tensor), gradients: gradients, firstMoments: firstMoments,
        secondMoments: secondMoments, steps: steps, learningRate: learningRate, beta1: 0.9, beta2: secondBeta,
        weightDecay: weightDecay, eps: 1e-8, skip: skip)
      return norm
    }
  }

  /// What has to be saved to continue exactly.
  public var state: [NamedTensor] {
    parameters.enumerated().flatMap { index, named in
      [
        ("first.\(named.key)", firstMoments[index]), ("second.\(named.key)", secondMoments[index]),
        ("steps.\(named.key)", steps[index]),
      ]
    }
  }
}
