import Foundation
import NN
import TestSupport
import Testing
import Torch

@testable import Models

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

  @Test func aBatchOfDifferentLengthsIsEachTextAlone() {
    let states = Tensor.randn([3, 5, 12], generator: Generator(seed: 9))
    let lengths = [2, 5, 3]
    let mask = Tensor(lengths.flatMap { length in (0..<5).map { $0 < length ? 1 : 0 as Float } }, shape: [3, 5])
    let batch = withInference { adapter(states, mask: mask) }
    for (row, length) in lengths.enumerated() {
      let alone = withInference {
        adapter(states[row..<row + 1].sliced(1, 0..<length), mask: Tensor.ones([1, length]))
      }
      expectClose(batch.context[row..<row + 1].sliced(1, 0..<length), alone.context, atol: 1e-5)
      expectClose(batch.pooled[row..<row + 1], alone.pooled, atol: 1e-5)
    }
  }

  @Test func anEmptyPromptIsItsTwoEnds() {
    // [CLS] and [SEP] are always there, so that pooling never divides by zero.
    let states = Tensor.randn([1, 5, 12], generator: Generator(seed: 10))
    let text = withInference { adapter(states, mask: Tensor([1, 1, 0, 0, 0] as [Float], shape: [1, 5])) }
    #expect(text.allFinite)
    expectClose(text.pooled, text.context.sliced(1, 0..<2).mean([1]), atol: 1e-6)
  }

  @Test func everyTokenHearsEveryOther() {
    let states = Tensor.randn([1, 5, 12], generator: Generator(seed: 11))
    let mask = Tensor.ones([1, 5])
    let before = withInference { adapter(states, mask: mask) }.context
    states[0][4].add_(Tensor(1))
    let after = withInference { adapter(states, mask: mask) }.context
    #expect((after - before).abs().max([0, 2]).floats().allSatisfy { $0 > 1e-4 })
  }

  @Test func numbersOutOfRangeAreNamed() {
    func sentence(_ change: (inout TextAdapter.Configuration) -> Void) -> String? {
      var changed = SmallNetworks.adapter
      change(&changed)
      do {
        try changed.validate()
        return nil
      } catch { return error.description }
    }
    #expect(sentence { _ in } == nil)
    #expect(sentence { $0.inputWidth = 0 } == "input_width is 0, expected 1 to 65536")
    #expect(sentence { $0.width = 0 } == "width is 0, expected 1 to 65536")
    #expect(sentence { $0.layers = 1001 } == "layers is 1001, expected 1 to 1000")
    #expect(sentence { $0.heads = 0 } == "heads is 0, expected 1 to 65536")
    #expect(sentence { $0.heads = 3 } == "width is 8, expected a multiple of heads, 3")
    #expect(sentence { $0.maxTokens = 2 } == "max_tokens is 2, expected 3 to 65536")
  }

  @Test func aDamagedNumberOfTheFileIsRefusedByNameOrHarmless() throws {
    try Project.inTemporaryFolder { folder in
      try adapter.save(to: folder)
      try DamagedConfiguration.forEach(folder.appendingPathComponent("config.json")) { key, value in
        do {
          let adapter = try TextAdapter.load(from: folder)
          _ = adapter(Tensor.zeros([1, 3, 12]), mask: Tensor.ones([1, 3]))
        } catch {
          let text = "\(error)"
          #expect(text.contains(folder.path) && (text.contains(key) || text.contains("tensor \"")), "\(value): \(text)")
        }
      }
    }
  }

  /// For one token every weight is used once; attention multiplies two numbers of each channel more.
  @Test func theNumberOfWeightsFollowsFromTheOperations() {
    #expect(SmallNetworks.adapter.weightCount == adapter.matrixElements + 2 * 2 * 8)
  }
}
