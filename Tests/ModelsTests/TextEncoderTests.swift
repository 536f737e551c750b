import Foundation
import TestSupport
import Testing
import Torch

@testable import Models

@Suite struct TextEncoderTests {
  @Test func everyHiddenStateIsTransformers() throws {
    let golden = try SafetensorsFile(Project.golden("text_encoder.safetensors"))
    let encoder = try TextEncoder.load(from: Project.minilm)
    let mask = try golden.tensor("mask")
    let states = try encoder(golden.tensor("ids"), mask: mask)
    #expect(states.count == 7)
    for (index, state) in states.enumerated() {
      let seen = state.sliced(2, 0..<384, step: 3)
      expectClose(seen, try golden.tensor("state.\(index)"), atol: 1e-4, "state \(index)")
    }
  }

  @Test func aDamagedNumberOfTheConfigurationIsRefusedByNameOrHarmless() throws {
    let json = """
      {"vocab_size": 40, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 12,
       "max_position_embeddings": 6, "type_vocab_size": 2, "layer_norm_eps": 1e-12, "hidden_act": "gelu"}
      """
    try Project.inTemporaryFolder { folder in
      let file = folder.appendingPathComponent("config.json")
      try Data(json.utf8).write(to: file)
      try TextEncoder(TextEncoder.readConfiguration(folder), .random(Generator(seed: 1))).save(to: folder)
      try DamagedConfiguration.forEach(file) { key, value in
        do {
          let encoder = try TextEncoder.load(from: folder)
          _ = encoder(Tensor.zeros([1, 3], dtype: .int64), mask: Tensor.ones([1, 3]))
        } catch {
          let text = "\(error)"
          #expect(text.contains(folder.path) && (text.contains(key) || text.contains("tensor \"")), "\(value): \(text)")
        }
      }
    }
  }

  private func small() -> TextEncoder { TextEncoder(SmallNetworks.textEncoder, .random(Generator(seed: 1))) }

  @Test func aPaddedBatchIsEachTextAlone() {
    let encoder = small()
    let ids = Tensor([5, 6, 7, 8, 9, 4, 0, 0] as [Int64], shape: [2, 4])
    let mask = Tensor([1, 1, 1, 1, 1, 1, 0, 0] as [Float], shape: [2, 4])
    let batch = withInference { encoder(ids, mask: mask) }
    let alone = withInference { encoder(ids[1..<2].sliced(1, 0..<2), mask: Tensor.ones([1, 2])) }
    #expect(batch.count == 3 && alone.count == 3)
    for (a, b) in zip(batch, alone) { expectClose(a[1..<2].sliced(1, 0..<2), b, atol: 1e-5) }
  }

  @Test func theFirstStateIsTheNormalizedSumOfTheEmbeddings() {
    let encoder = small()
    let state = withInference { encoder(Tensor([7, 3] as [Int64], shape: [1, 2]), mask: Tensor.ones([1, 2])) }[0]
    let (words, places) = (encoder.embeddings.wordEmbeddings.weight, encoder.embeddings.positionEmbeddings.weight)
    let type = encoder.embeddings.tokenTypeEmbeddings.weight[0]
    let sum = Tensor.stack([words[7] + places[0] + type, words[3] + places[1] + type])
    let centered = sum - sum.mean([1], keepDims: true)
    expectClose(state[0], centered / centered.square().mean([1], keepDims: true).sqrt(), atol: 1e-4)
  }

  @Test func theOrderOfTheWordsMatters() {
    let encoder = small()
    func last(_ ids: [Int64]) -> Tensor {
      withInference { encoder(Tensor(ids, shape: [1, 3]), mask: Tensor.ones([1, 3])) }[2][0]
    }
    let (a, b) = (last([5, 6, 7]), last([5, 7, 6]))
    #expect((a[0] - b[0]).abs().max().item() > 1e-5)  // the first word hears of it
  }

  @Test func numbersOutOfRangeAreNamed() {
    func sentence(_ change: (inout TextEncoder.Configuration) -> Void) -> String? {
      var changed = SmallNetworks.textEncoder
      change(&changed)
      do {
        try changed.validate()
        return nil
      } catch { return error.description }
    }
    #expect(sentence { _ in } == nil)
    #expect(sentence { $0.vocabSize = 3 } == "vocab_size is 3, expected 4 to 10000000")
    #expect(sentence { $0.hiddenSize = 0 } == "hidden_size is 0, expected 1 to 65536")
    #expect(sentence { $0.numHiddenLayers = 0 } == "num_hidden_layers is 0, expected 1 to 1000")
    #expect(sentence { $0.numAttentionHeads = 3 } == "hidden_size is 8, expected a multiple of num_attention_heads, 3")
    #expect(sentence { $0.intermediateSize = 0 } == "intermediate_size is 0, expected 1 to 1000000")
    #expect(sentence { $0.maxPositionEmbeddings = 2 } == "max_position_embeddings is 2, expected 3 to 1000000")
    #expect(sentence { $0.typeVocabSize = 0 } == "type_vocab_size is 0, expected 1 to 1000")
    #expect(sentence { $0.layerNormEps = -1 } == "layer_norm_eps is -1.0, expected 1e-20 to 1.0")
  }

  @Test func theNumberOfWeightsIsThatOfItsMatrices() {
    #expect(SmallNetworks.textEncoder.weightCount == small().matrixElements)
  }
}
