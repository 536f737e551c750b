import Foundation
import TestSupport
import Testing

@testable import Tokenizers

/// Files that are written give the ids of those that were read.
@Suite struct CLIPTokenizerSaveTests {
  private let texts = ["a small red fox!", "it's 42 º ⇒ naïve", "", "<|endoftext|> ! wow!!"]

  @Test(arguments: ["toy", "exclamation"]) func writtenFilesGiveTheSameIDs(_ name: String) throws {
    let tokenizer = try CLIPTokenizer(directory: Project.golden("clip_tokenizer/\(name)"))
    try Project.inTemporaryFolder { folder in
      let target = folder.appendingPathComponent("tokenizer")
      try tokenizer.save(to: target)
      let again = try CLIPTokenizer(directory: target)
      #expect((again.startID, again.endID, again.padID) == (tokenizer.startID, tokenizer.endID, tokenizer.padID))
      #expect(again.count == tokenizer.count && again.pairs.pieces == tokenizer.pairs.pieces)
      for text in texts { #expect(again.encode(text).ids == tokenizer.encode(text).ids, "\(text)") }
    }
  }
}
