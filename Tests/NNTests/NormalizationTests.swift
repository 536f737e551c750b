import NN
import TestSupport
import Testing
import Torch

@Suite struct NormalizationTests {
  /// Each run of `size` numbers with mean 0 and variance 1, the variance being the mean of the squares.
  private func normalized(_ values: [Double], runs size: Int, eps: Double) -> [Double] {
    stride(from: 0, to: values.count, by: size).flatMap { start in
      let run = values[start..<start + size]
      let mean = run.reduce(0, +) / Double(size)
      let variance = run.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(size)
      return run.map { ($0 - mean) / (variance + eps).squareRoot() }
    }
  }

  @Test(arguments: [1, 2, 3, 6]) func everyGroupOfEveryImageIsNormalizedAlone(_ groups: Int) {
    let layer = GroupNorm(groups: groups, channels: 6, eps: 0.01).inFloat64()
    layer.weight.copy_(random([6], seed: 1))
    layer.bias.copy_(random([6], seed: 2))
    let x = random([2, 6, 3, 4], seed: 3) * 3 + 5
    let flat = normalized(x.doubles(), runs: 6 / groups * 12, eps: 0.01)
    let scale = layer.weight.reshaped([1, 6, 1, 1])
    let expected = Tensor(flat, shape: [2, 6, 3, 4]) * scale + layer.bias.reshaped([1, 6, 1, 1])
    expectClose(layer(x), expected, atol: 1e-12)
  }

  @Test func everyVectorIsNormalizedAlone() {
    let layer = LayerNorm(7, eps: 0.02).inFloat64()
    layer.weight.copy_(random([7], seed: 4))
    layer.bias.copy_(random([7], seed: 5))
    let x = random([2, 3, 7], seed: 6) * 2 - 1
    let expected = Tensor(normalized(x.doubles(), runs: 7, eps: 0.02), shape: [2, 3, 7]) * layer.weight + layer.bias
    expectClose(layer(x), expected, atol: 1e-12)
  }

  @Test func aNewLayerNeitherScalesNorShifts() {
    let x = random([1, 4, 50], seed: 7).to(.float32) * 10 + 3
    for y in [GroupNorm(groups: 2, channels: 4)(x), LayerNorm(50)(x)] {
      #expect(abs(y.mean().item()) < 1e-5)
      #expect(abs(y.variance(unbiased: false).item() - 1) < 1e-4)
    }
  }

  @Test func aConstantBecomesTheBias() {
    let group = GroupNorm(groups: 2, channels: 4).inFloat64()
    group.bias.copy_(Tensor([1, 2, 3, 4] as [Float]))
    expectClose(
      group(Tensor.full([1, 4, 2, 2], 9, dtype: .float64)), group.bias.reshaped([1, 4, 1, 1]).expanded([1, 4, 2, 2]),
      atol: 1e-6)
    let layer = LayerNorm(3).inFloat64()
    layer.bias.copy_(Tensor([1, 2, 3] as [Float]))
    expectClose(layer(Tensor.full([2, 3], -4, dtype: .float64)), layer.bias.expanded([2, 3]), atol: 1e-6)
  }

  @Test func shiftingAndScalingTheInputChangesNothing() {
    let x = random([2, 4, 6, 6], seed: 8)
    let group = GroupNorm(groups: 2, channels: 4, eps: 1e-12).inFloat64()
    expectClose(group(x * 7 - 20), group(x), atol: 1e-9)
    let layer = LayerNorm(6, eps: 1e-12).inFloat64()
    expectClose(layer(x * 0.01 + 3), layer(x), atol: 1e-6)
  }

  @Test func theirGradientsAreFiniteDifferences() {
    let x = random([2, 4, 3], seed: 9)
    let weights = random([2, 4, 3], seed: 10)
    let group = GroupNorm(groups: 2, channels: 4)
    expectGradients(group.parameters, inputs: [x], of: { (group(x) * weights).sum() })
    let layer = LayerNorm(3)
    expectGradients(layer.parameters, inputs: [x], of: { (layer(x) * weights).sum() })
  }

  @Test func groupsThatDoNotDivideTheChannelsTrap() async {
    await #expect(processExitsWith: .failure) { _ = GroupNorm(groups: 4, channels: 6) }
  }
}
