import NN
import Torch

/// An update of some parameters along their gradients.
public protocol UpdateRule: AnyObject {
  /// The tensors that the rule updates; gradients are passed to `update` in this order.
  var parameters: [NamedTensor] { get }
  /// The tensors that have to be saved to continue exactly.
  var state: [NamedTensor] { get }
  /// Updates in place; nothing changes where `skip`, a float32 scalar on the device, is 1.
  func update(_ gradients: [Tensor], learningRate: Double, skip: Tensor?)
}

/// Update rules, each for its own parameters, under one limit of the gradient's norm.
public final class Optimizer {
  /// The update rules, without those that have no parameters.
  public let rules: [any UpdateRule]
  private let maxGradNorm: Double

  /// A gradient that is not finite, and so was not used.
  public struct NotFinite: Error, Equatable {
    /// Key of the first parameter whose gradient is not finite, or a phrase if only their sum is not.
    public let key: String
    /// Norm over all parameters: NaN or infinite.
    public let norm: Double
  }

  /// An optimizer over disjoint sets of parameters; gradients are scaled down to a norm of `maxGradNorm`.
  public init(_ rules: [any UpdateRule], maxGradNorm: Double) {
    self.rules = rules.filter { !$0.parameters.isEmpty }
    self.maxGradNorm = maxGradNorm
  }

  /// The parameters of all rules, in order.
  public var parameters: [NamedTensor] { rules.flatMap(\.parameters) }

  /// The tensors that have to be saved to continue exactly.
  public var state: [NamedTensor] { rules.flatMap(\.state) }

  /// Updates every parameter and forgets the gradients; returns the gradient's norm before the limit.
  ///
  /// Throws, and changes nothing, where the gradient is not finite.
  @discardableResult
  public func step(learningRate: Double) throws(NotFinite) -> Double {
    let gradients = gradients()
    defer { clear() }
    let all = gradients.flatMap { $0 }
    let norm = Foreach.norm(all)
    guard norm.isFinite else {
      let faulty = zip(parameters, all).first { !$1.allFinite }
      throw NotFinite(key: faulty?.0.key ?? "their sum", norm: norm)
    }
    if norm > maxGradNorm { Foreach.scale(all, by: maxGradNorm / norm) }
    for (rule, own) in zip(rules, gradients) { rule.update(own, learningRate: learningRate, skip: nil) }
    return norm
  }

  /// As `step`, without reading a number from the device: what is not finite leaves all as it is there.
  ///
  /// The same where `fault`, a float32 scalar on the device, is 1. Returns the gradient's norm before the limit.
  public func step(learningRate: Double, unless fault: Tensor?) -> Tensor {
    let gradients = gradients()
    defer { clear() }
    return withNoGrad {
      let all = gradients.flatMap { $0 }
      let norm = Foreach.normTensor(all)
      let own = norm.nonFiniteFlag
      let skip = fault.map { $0.maximum(own) } ?? own
      if maxGradNorm < Double(Float.greatestFiniteMagnitude) { Foreach.scale(all, by: (maxGradNorm / norm).minimum(1)) }
      for (rule, own) in zip(rules, gradients) { rule.update(own, learningRate: learningRate, skip: skip) }
      return norm
    }
  }

  /// The gradients of each rule's parameters.
  private func gradients() -> [[Tensor]] {
    rules.map { rule in
      rule.parameters.map { named in
        guard let gradient = named.tensor.grad else { fatalError("\(named.key) got no gradient") }
        return gradient
      }
    }
  }

  private func clear() { for (_, tensor) in parameters { tensor.clearGrad() } }
}
