import Foundation
import Models
import NN
import TestSupport
import Testing
import Torch

@Suite struct TextAdapterTests {
  private let adapter = TextAdapter(
    TextAdapter.Configuration(inputWidth: 6, width: 8, layers: 2, heads: 2, maxTokens: 5),
    .random(Generator(seed: 4)))

  @Test func paddingChangesNoToken() {
    let states = Tensor.randn([1, 5, 12], generator: Generator(seed: 5))
    let mask = Tensor([1, 1, 1, 0, 0] as [Float], shape: [1, 5])
    let other = Tensor.randn([1, 5, 12], generator: Generator(seed: 6))
    let changed = states * mask.unsqueezed(2) + other * (1 - mask).unsqueezed(2)
    let (a, b) = withInference { (adapter(states, mask: mask), adapter(changed, mask: mask)) }
    expectClose(a.context.sliced(1, 0..<3), b.context.sliced(1, 0..<3), atol: 1e-6)
    expectClose(a.pooled, b.pooled, atol: 1e-6)
  }

  @Test func thePooledStateIsTheMeanOfTheTokensAlone() {
    let states = Tensor.randn([2, 5, 12], generator: Generator(seed: 7))
    let mask = Tensor([1, 1, 0, 0, 0, 1, 1, 1, 1, 1] as [Float], shape: [2, 5])
    let text = withInference { adapter(states, mask: mask) }
    let (context, pooled) = (text.context, text.pooled)
    #expect(context.shape == [2, 5, 8])
    expectClose(pooled.selected(0, 0), context.selected(0, 0).sliced(0, 0..<2).mean([0]), atol: 1e-6)
    expectClose(pooled.selected(0, 1), context.selected(0, 1).mean([0]), atol: 1e-6)
  }

  @Test(arguments: [(Quantization.float32, 0.0), (.bfloat16, 0.05), (.int8, 0.1)])
  func whatIsSavedIsReadBack(_ format: Quantization, _ tolerance: Double) throws {
    try Project.inTemporaryFolder { folder in
      try adapter.save(to: folder, as: format)
      let copy = try TextAdapter.load(from: folder)
      let states = Tensor.randn([2, 5, 12], generator: Generator(seed: 8))
      let (a, b) = withInference {
        (adapter(states, mask: Tensor.ones([2, 5])), copy(states, mask: Tensor.ones([2, 5])))
      }
      expectClose(b.context, a.context, atol: tolerance, "\(format)")
    }
  }
}
