import Foundation
import NN
import TestSupport
import Testing
import Torch

@Suite struct LinearTests {
  @Test(arguments: [true, false]) func itMultipliesByTheTransposedMatrixAndAddsTheBias(_ hasBias: Bool) {
    let layer = Linear(in: 4, out: 3, bias: hasBias, .random(Generator(seed: 1))).inFloat64()
    let x = random([2, 5, 4], seed: 2)
    let (weight, bias, values) = (layer.weight.doubles(), layer.bias?.doubles(), x.doubles())
    var expected: [Double] = []
    for row in 0..<10 {
      for output in 0..<3 {
        let products = (0..<4).map { values[row * 4 + $0] * weight[output * 4 + $0] }
        expected.append(products.reduce(bias?[output] ?? 0, +))
      }
    }
    #expect((layer.bias != nil) == hasBias)
    expectClose(layer(x), Tensor(expected, shape: [2, 5, 3]), atol: 1e-12)
  }

  @Test func initialValuesAreUniformWithinOneOverTheRootOfTheInputs() {
    let layer = Linear(in: 16, out: 256, .random(Generator(seed: 3)))
    let values = layer.weight.doubles() + (layer.bias?.doubles() ?? [])
    #expect(values.allSatisfy { abs($0) <= 0.25 })
    #expect(values.contains { $0 > 0.24 } && values.contains { $0 < -0.24 })
    let variance = values.reduce(0) { $0 + $1 * $1 } / Double(values.count)
    #expect(abs(variance.squareRoot() - 0.25 / 3.0.squareRoot()) < 0.005)
  }

  @Test func zeroedIsTheSameLayerWithoutEffect() {
    let layer = Linear(in: 4, out: 3, .random(Generator(seed: 1)))
    #expect(layer.zeroed() === layer)
    #expect(layer(Tensor.ones([2, 4])).floats() == [Float](repeating: 0, count: 6))
  }

  @Test func itsGradientsAreFiniteDifferences() {
    let layer = Linear(in: 3, out: 2, .random(Generator(seed: 4)))
    let (x, target) = (random([4, 3], seed: 5), random([4, 2], seed: 6))
    expectGradients(layer.parameters, inputs: [x], of: { (layer(x) - target).square().sum() })
  }
}

@Suite struct EmbeddingTests {
  @Test func everyIDPicksItsRow() {
    let table = Embedding(count: 5, width: 2, .empty)
    table.weight.copy_(Tensor.arange(0, 10).reshaped([5, 2]))
    let rows = table(Tensor([4, 0, 2, 2, 1, 3] as [Int64], shape: [2, 3]))
    #expect(rows.shape == [2, 3, 2])
    #expect(rows.floats() == [8, 9, 0, 1, 4, 5, 4, 5, 2, 3, 6, 7])
  }

  @Test func anIDThatOccursTwiceGathersBothGradients() throws {
    let table = Embedding(count: 3, width: 2, .random(Generator(seed: 1)))
    table.requireGradients(true)
    let scale = Tensor([1, 10, 100] as [Float], shape: [3, 1])
    (table(Tensor([2, 0, 2] as [Int64])) * scale).sum().backward()
    #expect(try #require(table.weight.grad).floats() == [10, 10, 0, 0, 101, 101])
  }

  @Test func initialValuesAreNormalWithADeviationOfOneFiftieth() {
    let values = Embedding(count: 500, width: 8, .random(Generator(seed: 2))).weight
    #expect(abs(values.std().item() - 0.02) < 0.001 && abs(values.mean().item()) < 0.001)
    #expect(values.abs().max().item() > 0.05)  // a normal distribution has tails
  }
}

@Suite struct ActivationTests {
  private let x = stride(from: -6.0, through: 6, by: 0.375).map { $0 }

  @Test(arguments: Activation.allCases) func itIsItsFormula(_ activation: Activation) {
    let formula: (Double) -> Double =
      switch activation {
      case .silu: { $0 / (1 + exp(-$0)) }
      case .gelu: { 0.5 * $0 * (1 + erf($0 / 2.0.squareRoot())) }
      case .relu: { max($0, 0) }
      case .quickGelu: { $0 / (1 + exp(-1.702 * $0)) }
      }
    expectClose(activation(Tensor(x)), Tensor(x.map(formula)), atol: 1e-12, activation.rawValue)
  }

  @Test func anUnknownNameIsRefusedWithTheNamesThatThereAre() throws {
    #expect(try JSONDecoder().decode([Activation].self, from: Data(#"["gelu"]"#.utf8)) == [.gelu])
    let error = #expect(throws: DecodingError.self) {
      _ = try JSONDecoder().decode([Activation].self, from: Data(#"["mish"]"#.utf8))
    }
    guard case .dataCorrupted(let context) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(context.debugDescription == "expected one of \"silu\", \"gelu\", \"relu\", \"quick_gelu\"")
  }
}
