import Foundation
import TestSupport
import Testing
import Tokenizers

@Suite struct VocabularyTests {
  private static let specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]

  /// A tokenizer of a file with these bytes.
  private func tokenizer(_ text: String) throws -> WordPieceTokenizer { try tokenizer(bytes: Array(text.utf8)) }

  private func tokenizer(bytes: [UInt8]) throws -> WordPieceTokenizer {
    try Project.inTemporaryFolder { folder in
      let file = folder.appendingPathComponent("vocab.txt")
      try Data(bytes).write(to: file)
      return try WordPieceTokenizer(vocabulary: file)
    }
  }

  /// The sentence of a file that is refused, with `FILE` for its path.
  private func refusal(_ bytes: [UInt8]) throws -> String? {
    try Project.inTemporaryFolder { folder in
      let file = folder.appendingPathComponent("vocab.txt")
      try Data(bytes).write(to: file)
      let error = #expect(throws: TokenizerError.self) { _ = try WordPieceTokenizer(vocabulary: file) }
      return error?.description.replacingOccurrences(of: file.path, with: "FILE")
    }
  }

  @Test func theLineOfAPieceIsItsID() throws {
    let tokenizer = try tokenizer("cat\n[SEP]\n[CLS]\ndog\n[UNK]\n[PAD]\n")
    #expect(tokenizer.count == 6)
    #expect([tokenizer.sepID, tokenizer.clsID, tokenizer.unkID, tokenizer.padID] == [1, 2, 4, 5])
    #expect(tokenizer.encode("dog cat cow").ids == [2, 3, 0, 4, 1])
  }

  @Test(arguments: ["\n", "\r\n"]) func theLastLineMayLackItsEnd(_ newline: String) throws {
    let lines = Self.specials + ["cat"]
    for end in ["", newline] {
      let tokenizer = try tokenizer(lines.joined(separator: newline) + end)
      #expect(tokenizer.count == 5)
      #expect(tokenizer.encode("cat").pieces == ["[CLS]", "cat", "[SEP]"])
    }
  }

  @Test func piecesAreComparedByteByByte() throws {
    // The same character to Swift, composed and decomposed; and a combining mark alone on its line.
    let tokenizer = try tokenizer(
      (Self.specials + ["\u{e9}", "e\u{301}", "\u{301}", "\u{308}"]).joined(separator: "\n"))
    #expect(tokenizer.count == 8)
    #expect(Array(tokenizer.decode([4]).utf8) == [0xc3, 0xa9])
    #expect(Array(tokenizer.decode([5]).utf8) == [0x65, 0xcc, 0x81])
  }

  @Test func aRepeatedPieceIsNamedWithItsLine() throws {
    let lines = (Self.specials + ["cat", "dog", "cat"]).joined(separator: "\n")
    #expect(try refusal(Array(lines.utf8)) == "FILE: line 7 repeats the piece \"cat\"")
    // Ends of lines are no part of a piece.
    #expect(try refusal(Array("cat\r\n\(lines)".utf8)) == "FILE: line 6 repeats the piece \"cat\"")
  }

  @Test(arguments: specials) func aMissingSpecialPieceIsNamed(_ piece: String) throws {
    let others = Self.specials.filter { $0 != piece } + ["cat", piece.lowercased(), " \(piece)"]
    #expect(
      try refusal(Array(others.joined(separator: "\n").utf8)) == "FILE has no piece \"\(piece)\", which BERT needs")
  }

  @Test func anEmptyFileLacksTheFirstSpecialPiece() throws {
    #expect(try refusal([]) == "FILE has no piece \"[PAD]\", which BERT needs")
    #expect(try refusal([10]) == "FILE has no piece \"[PAD]\", which BERT needs")
  }

  @Test func bytesThatAreNotUTF8AreRefused() throws {
    let valid = Array((Self.specials + ["cat"]).joined(separator: "\n").utf8)
    let sentence = "cannot read the vocabulary FILE: it does not exist or is not UTF-8 text"
    for damage in [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0x80]] as [[UInt8]] {
      #expect(try refusal(valid + [10] + damage) == sentence)
    }
    #expect(throws: Never.self) { _ = try tokenizer(bytes: valid) }
  }

  @Test func aFileThatIsNotThereIsNamed() throws {
    try Project.inTemporaryFolder { folder in
      for url in [folder, folder.appendingPathComponent("missing.txt")] {
        let error = #expect(throws: TokenizerError.self) { _ = try WordPieceTokenizer(vocabulary: url) }
        #expect(error == .unreadable(file: url.path))
      }
    }
  }
}
