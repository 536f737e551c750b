import Flux
import TestSupport
import Testing
import Torch

@testable import Training

@Suite struct TextStatesTests {
  private func states(room: Int = 1 << 28) throws -> TextStates {
    TextStates(try PromptEncoder(directory: Project.minilm), maxTokens: 12, bfloat16: false, room: room)
  }

  @Test func equalCaptionsAreEncodedOnce() throws {
    let texts = try states()
    _ = texts(["a red apple", "", "a red apple"])
    #expect(texts.encoded == 2)
    _ = texts(["A  red apple", "", "a pear"])  // the text encoder sees no difference
    #expect(texts.encoded == 3)
  }

  @Test func withoutRoomTheyAreEncodedOnceForEachBatch() throws {
    let texts = try states(room: 0)
    for _ in 0..<2 { _ = texts(["a red apple", "a red apple"]) }
    #expect(texts.encoded == 2)
  }

  @Test func aCaptionHasTheSameStatesInWhateverBatchItComes() throws {
    let texts = try states(room: 0)
    let alone = texts(["a red apple"])
    let captions = ["a very long caption about nothing at all really", "a red apple", "", "two dogs"]
    let together = texts(captions)
    #expect(together.states[1].bytes() == alone.states[0].bytes())
    #expect(together.masks[1].bytes() == alone.masks[0].bytes())
    // They are those that drawing uses, and zero where no caption is.
    let drawn = try PromptEncoder(directory: Project.minilm)(captions, maxTokens: 12, padTo: 12)
    expectClose(together.masks, drawn.mask)
    expectClose(
      together.states, drawn.states * drawn.mask.unsqueezed(2), atol: 2e-5)
  }

  /// As other devices do it.
  @Test func statesOfCaptionsThatAreEncodedAtOnceAreTheSame() throws {
    let texts = try states()
    let captions = ["a very long caption about nothing at all really", "a red apple", "", "a red apple"]
    let tokenizer = try PromptEncoder(directory: Project.minilm).tokenizer
    let (states, masks) = texts.encodeTogether(captions.map { tokenizer.encode($0, maxLength: 12).ids })
    let one = texts(captions)
    expectClose(masks, one.masks)
    expectClose(states, one.states, atol: 2e-5)
  }
}
