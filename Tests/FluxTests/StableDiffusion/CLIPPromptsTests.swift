import Foundation
import NN
import Support
import TestSupport
import Testing
import Tokenizers
import Torch

@testable import Flux
@testable import Models

@Suite struct CLIPPromptsTests {
  private let toy: CLIPTokenizer
  private let exclamation: CLIPTokenizer

  init() throws {
    toy = try CLIPTokenizer(directory: Project.golden("clip_tokenizer/toy"))
    exclamation = try CLIPTokenizer(directory: Project.golden("clip_tokenizer/exclamation"))
  }

  private func encoder(
    _ width: Int = 8, layers: Int = 4, vocabulary: Int? = nil, positions: Int = 77, projection: Int? = nil
  ) -> CLIPTextModel {
    let configuration = CLIPTextModel.Configuration(
      architecture: projection == nil ? .plain : .projected, vocabSize: vocabulary ?? toy.count, hiddenSize: width,
      intermediateSize: 8, numHiddenLayers: layers, numAttentionHeads: 2, maxPositionEmbeddings: positions,
      hiddenAct: .gelu, projectionDim: projection, eosTokenId: Int(toy.endID))
    return CLIPTextModel(configuration, .random(Generator(seed: 1)))
  }

  private func xl(clipSkip: Int = 0, _ first: CLIPTextModel? = nil, _ second: CLIPTextModel? = nil) throws -> XLPrompts
  {
    try XLPrompts(
      (toy, first ?? encoder()), (exclamation, second ?? encoder(6, projection: 10)), clipSkip: clipSkip)
  }

  private let long = (1...200).map { "word\($0)" }.joined(separator: " ")

  @Test func shortAndLongTextsHaveAllPositions() throws {
    for prompts in [try CLIPPrompts(toy, encoder()), try xl()] as [any StablePrompts] {
      let width = prompts.contextWidths.reduce(0, +)
      for text in ["", "a fox", long] {
        let ids = prompts.ids(of: text)
        #expect(ids.count <= 77 && (text != long || ids.ids.allSatisfy { $0.count == 77 }))
        let rows = prompts.encode([ids, ids], padTo: 3).rows
        #expect(rows.context.shape == [2, 77, width] && rows.mask.shape == [2, 77])
        #expect(rows.mask.min().item() == 1, "padding is attended to")
      }
      #expect(!prompts.tokens(of: long).dropped.isEmpty)
    }
  }

  @Test func eachTokenizerPadsInItsWay() throws {
    #expect(toy.padded([[5, 6]], to: 4).elements() as [Int64] == [5, 6, Int64(toy.endID), Int64(toy.endID)])
    #expect(exclamation.padded([[5, 6]], to: 4).elements() as [Int64] == [5, 6, 0, 0])
  }

  @Test func everyTokenizerReadsATextByItself() throws {
    let prompts = try xl()
    let ids = prompts.ids(of: "a!!").ids
    #expect(ids[1].suffix(3) == [0, 0, exclamation.endID] && ids[0] != ids[1])
    #expect(prompts.ids(of: "a fox").ids[0] == prompts.ids(of: "a fox").ids[1])
    // Words that only the second tokenizer has no room for are named, too.
    let crowded = String(repeating: "!!!! ", count: 60) + "fox"
    #expect(toy.encode(crowded).dropped.count < prompts.tokens(of: crowded).dropped.count)
    #expect(prompts.tokens(of: crowded).dropped.last == "fox")
  }

  @Test func theContextIsTheStateBeforeTheLastOfBoth() throws {
    let (first, second) = (encoder(), encoder(6, projection: 10))
    for skip in 0...2 {
      let prompts = try xl(clipSkip: skip, first, second)
      let ids = prompts.ids(of: "a fox!")
      let rows = prompts.encode([ids], padTo: 0).rows
      let one = first(toy.padded([ids.ids[0]], to: 77))
      let two = second(exclamation.padded([ids.ids[1]], to: 77))
      expectClose(rows.context, .cat([one.hiddenStates[3 - skip], two.hiddenStates[3 - skip]], dim: 2), atol: 1e-6)
      expectClose(rows.pooled, two.pooled, atol: 1e-6)
      #expect(rows.pooled.shape == [1, 10])
    }
  }

  @Test func moreLayersThanThereAreCannotBeSkipped() throws {
    let plain = encoder()
    for skip in 0...3 { _ = try CLIPPrompts(toy, plain, clipSkip: skip) }
    for skip in [-1, 4] {
      let error = #expect(throws: ConfigurationError.self) { _ = try CLIPPrompts(toy, plain, clipSkip: skip) }
      #expect("\(error!)" == "clip skip is \(skip), expected 0 to 3")
    }
    for skip in [-1, 3] {
      let error = #expect(throws: ConfigurationError.self) { _ = try xl(clipSkip: skip) }
      #expect("\(error!)" == "clip skip is \(skip), expected 0 to 2")
    }
    let shallow = encoder(6, layers: 2, projection: 10)
    #expect(throws: ConfigurationError.self) { _ = try xl(clipSkip: 1, nil, shallow) }
    _ = try xl(encoder(layers: 1), encoder(6, layers: 1, projection: 10))
  }

  @Test func partsThatDoNotFitAreRefused() throws {
    func sentence(_ body: () throws -> Void) -> String {
      let error = #expect(throws: ConfigurationError.self) { try body() }
      return error.map { "\($0)" } ?? ""
    }
    let small = encoder(vocabulary: 100)
    let expected = "vocab_size is 100, expected \(toy.count) or more: the tokenizer's"
    #expect(sentence { _ = try CLIPPrompts(toy, small) } == expected)
    #expect(sentence { _ = try xl(small) } == expected)
    #expect(sentence { _ = try xl(nil, encoder(6, vocabulary: 100, projection: 10)) } == expected)
    #expect(sentence { _ = try xl(nil, encoder(6)) }.contains("expected CLIPTextModelWithProjection"))
    #expect(
      sentence { _ = try xl(nil, encoder(6, positions: 60, projection: 10)) }
        == "max_position_embeddings is 60, expected 77 as in the first text encoder")
  }

  @Test func aTextEncoderWhoseOutputIsNotFiniteIsNamed() throws {
    let (first, second) = (encoder(), encoder(6, projection: 10))
    let cases: [(any StablePrompts, CLIPTextModel)] = [
      (try CLIPPrompts(toy, first), first), (try xl(first, second), first), (try xl(encoder(), second), second),
    ]
    for (prompts, damaged) in cases {
      let weight = try #require(damaged.parameters.first { $0.key.hasSuffix("layers.0.mlp.fc1.bias") }?.tensor)
      withNoGrad { weight.fill_(.nan) }
      #expect(prompts.encode([prompts.ids(of: "a fox")], padTo: 0).fault == .textEncoder)
      withNoGrad { weight.fill_(0) }
      #expect(prompts.encode([prompts.ids(of: "a fox")], padTo: 0).fault == nil)
    }
  }
}
