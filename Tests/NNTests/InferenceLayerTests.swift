import NN
import TestSupport
import Testing
import Torch

@Suite(.enabled(if: PackedWeights.isSupported(.float32), "needs AVX2")) struct InferenceLayerTests {
  private final class Network: Module {
    let convolutions: [Conv2d]
    let norm = GroupNorm(groups: 4, channels: 32)
    let shortcut: Conv2d?
    let out: Linear
    let grouped: Conv2d

    init(_ initial: Initializer) {
      convolutions = [
        Conv2d(in: 16, out: 32, kernel: 3, initial), Conv2d(in: 32, out: 32, kernel: 3, stride: 2, initial),
      ]
      shortcut = Conv2d(in: 32, out: 32, kernel: 1, initial)
      out = Linear(in: 32, out: 20, initial)
      grouped = Conv2d(in: 32, out: 32, kernel: 3, groups: 2, initial)
    }

    func callAsFunction(_ x: Tensor, _ shift: Tensor) -> Tensor {
      let x = norm(convolutions[0](x), shift: shift, then: .silu)
      let y = norm(grouped(convolutions[1](x)), then: .gelu)
      let z = shortcut?(y, adding: y) ?? y
      let rows = z.permuted([0, 2, 3, 1])
      return out(rows, adding: out(rows))
    }
  }

  private func example() -> (network: Network, x: Tensor, shift: Tensor) {
    let generator = Generator(seed: 1)
    let x = Tensor.randn([2, 16, 9, 7], generator: generator).channelsLast()
    return (Network(.random(generator)), x, Tensor.randn([2, 32], generator: generator))
  }

  @Test func aPreparedNetworkComputesWhatItDid() {
    let (network, x, shift) = example()
    let expected = withInference { network(x, shift) }
    network.prepareForInference()
    let packed = network.parameters.filter { $0.tensor.packed != nil }.map(\.key)
    #expect(packed == ["convolutions.0.weight", "convolutions.1.weight", "shortcut.weight", "out.weight"])
    expectClose(withInference { network(x, shift) }, expected, atol: 1e-5)
    network.prepareForInference()  // again: nothing to do
    expectClose(withInference { network(x, shift) }, expected, atol: 1e-5)
  }

  @Test func weightsThatAreTrainedOrCompactAreNotPacked() {
    let (network, x, shift) = example()
    network.requireGradients(true)
    network.prepareForInference()
    #expect(network.parameters.allSatisfy { $0.tensor.packed == nil })
    network(x, shift).sum().backward()
    #expect(network.out.weight.grad?.allFinite == true)

    let layer = Linear(in: 32, out: 8, .random(Generator(seed: 2)))
    layer.weight.setCompact_(CompactWeight(.half(layer.weight.to(.float16)), shape: [8, 32]), widenedTo: .float32)
    layer.prepareForInference()
    #expect(layer.weight.packed == nil && layer.weight.compact != nil)
  }

  @Test func newWeightsTakeThePlaceOfPackedOnes() {
    let (network, x, shift) = example()
    let values = Dictionary(uniqueKeysWithValues: network.parameters.map { ($0.key, $0.tensor.clone()) })
    let expected = withInference { network(x, shift) }
    network.prepareForInference()
    network.release()
    network.replace { key, _ in values[key]! }
    #expect(network.parameters.allSatisfy { $0.tensor.packed == nil })
    expectClose(withInference { network(x, shift) }, expected, atol: 1e-5)
  }
}
