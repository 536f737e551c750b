import Foundation
import TestSupport
import Testing
import Torch

@Suite struct ForeachTests {
  /// Loshchilov & Hutter (2019), algorithm 2, in plain arithmetic.
  private struct ReferenceAdamW {
    var value: Double
    var first = 0.0
    var second = 0.0
    var count = 0.0

    mutating func step(gradient: Double, rate: Double, beta1: Double, beta2: Double, decay: Double, eps: Double) {
      count += 1
      first = beta1 * first + (1 - beta1) * gradient
      second = beta2 * second + (1 - beta2) * gradient * gradient
      let unbiasedFirst = first / (1 - pow(beta1, count))
      let unbiasedSecond = second / (1 - pow(beta2, count))
      value -= rate * decay * value
      value -= rate * unbiasedFirst / (unbiasedSecond.squareRoot() + eps)
    }
  }

  @Test func adamWFollowsTheClosedForm() {
    var references = [ReferenceAdamW(value: 1.5), ReferenceAdamW(value: -0.25)]
    let parameters = references.map { Tensor([Float($0.value)], shape: [1]) }
    let moments = (0..<4).map { _ in Tensor.zeros([1]) }
    let steps = (0..<2).map { _ in Tensor(0, dtype: .float32) }
    for count in 1...50 {
      let gradients = references.map { cos($0.value * Double(count)) }
      for index in references.indices {
        references[index].step(
          gradient: gradients[index], rate: 1e-2, beta1: 0.9, beta2: 0.99, decay: 0.1, eps: 1e-8)
        steps[index].add_(Tensor(1))
      }
      Foreach.adamW(
        parameters: parameters, gradients: gradients.map { Tensor([Float($0)], shape: [1]) },
        firstMoments: Array(moments.prefix(2)), secondMoments: Array(moments.suffix(2)), steps: steps,
        learningRate: 1e-2, beta1: 0.9, beta2: 0.99, weightDecay: 0.1, eps: 1e-8)
      for (parameter, reference) in zip(parameters, references) {
        #expect(abs(parameter.item() - reference.value) < 1e-5, "after \(count) steps")
      }
    }
  }

  @Test func aSkippedUpdateChangesNothing() {
    let (x, first, second, steps) = (Tensor.ones([2]), Tensor.zeros([2]), Tensor.zeros([2]), Tensor(1))
    func step(skip: Double) {
      Foreach.adamW(
        parameters: [x], gradients: [Tensor.ones([2])], firstMoments: [first], secondMoments: [second], steps: [steps],
        learningRate: 0.1, beta1: 0.9, beta2: 0.99, weightDecay: 0, eps: 1e-8, skip: Tensor(skip))
    }
    step(skip: 1)
    #expect(x.floats() == [1, 1] && first.floats() == [0, 0])
    step(skip: 0)
    #expect(x.floats()[0] < 0.95)
  }

  @Test func scalarsOnTheDeviceScaleAndAdd() {
    let x = [Tensor([1, 2] as [Float]), Tensor([10] as [Float])]
    Foreach.scale(x, by: Tensor(0.5))
    Foreach.add(x, Tensor(1))
    #expect(x.map { $0.floats() } == [[1.5, 2], [6]])
  }

  @Test func theNormIsThatOfAllElementsTogether() {
    #expect(Foreach.norm([Tensor([3, 0] as [Float], shape: [2]), Tensor([4] as [Float], shape: [1])]) == 5)
    #expect(Foreach.norm([]) == 0)
    #expect(Foreach.norm([Tensor([.nan] as [Float], shape: [1])]).isNaN)
  }

  @Test func scalingAndMovingTowardsATargetHappenInPlace() {
    let x = [Tensor([1, 2] as [Float], shape: [2]), Tensor([10] as [Float], shape: [1])]
    Foreach.scale(x, by: 0.5)
    #expect(x.map { $0.floats() } == [[0.5, 1], [5]])
    Foreach.lerp(x, towards: [Tensor.zeros([2]), Tensor([9] as [Float], shape: [1])], 0.25)
    #expect(x.map { $0.floats() } == [[0.375, 0.75], [6]])
  }
}
