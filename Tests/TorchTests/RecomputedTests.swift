import Testing
import Torch

@Suite struct RecomputedTests {
  private let weight = Tensor.randn([8, 8], generator: Generator(seed: 1))
  private let input = Tensor.randn([4, 8], generator: Generator(seed: 2))

  /// Gradients of weight and input of a small network.
  private func gradients(
    recomputing: Bool, inputNeedsOne: Bool = true, bfloat16: Bool = false
  ) -> [Tensor?] {
    let (weight, x) = (weight.clone(), input.clone())
    weight.requiresGrad = true
    x.requiresGrad = inputNeedsOne
    func layer(_ x: Tensor) -> Tensor { x.matmul(weight).silu().matmul(weight) }
    let output = withAutocast(.cpu, enabled: bfloat16) { recomputing ? recomputed([x]) { layer($0[0]) } : layer(x) }
    output.to(.float32).square().sum().backward()
    return [weight.grad, x.grad]
  }

  @Test(arguments: [false, true]) func gradientsAreTheSame(bfloat16: Bool) {
    let (expected, actual) = (
      gradients(recomputing: false, bfloat16: bfloat16), gradients(recomputing: true, bfloat16: bfloat16)
    )
    for (a, b) in zip(expected, actual) { #expect(a?.floats() == b?.floats() && a != nil) }
  }

  @Test func parametersLearnWhereNoInputNeedsAGradient() {
    let (expected, actual) = (
      gradients(recomputing: false, inputNeedsOne: false), gradients(recomputing: true, inputNeedsOne: false)
    )
    #expect(actual[0]?.floats() == expected[0]?.floats() && actual[0] != nil && actual[1] == nil)
  }

  @Test func theComputationRunsAgainForGradientsOnly() {
    weight.requiresGrad = true
    var runs = 0
    let output = recomputed([input]) { inputs in
      runs += 1
      return inputs[0].matmul(weight)
    }
    #expect(runs == 1)
    output.sum().backward()
    #expect(runs == 2)
    withNoGrad { _ = recomputed([input]) { $0[0] * 2 } }
  }

  @Test func theComputationIsFreed() {
    final class Watched {}
    weak var watched: Watched?
    do {
      let mark = Watched()
      watched = mark
      let x = input.clone()
      x.requiresGrad = true
      let output = recomputed([x]) { inputs in withExtendedLifetime(mark) { inputs[0] * 2 } }
      output.sum().backward()
    }
    #expect(watched == nil)
  }
}
