import Foundation
import Support
import TestSupport
import Testing
import Tokenizers
import Torch

@Suite struct WordPieceTokenizerTests {
  private let tokenizer: WordPieceTokenizer

  init() throws { tokenizer = try WordPieceTokenizer(vocabulary: Project.minilm.appendingPathComponent("vocab.txt")) }

  @Test func idsOfTenThousandTextsAreHuggingFaces() throws {
    let golden = try SafetensorsFile(Project.golden("tokenizer.safetensors"))
    let bytes = try golden.tensor("text").bytes()
    let ids = try golden.tensor("ids").ints()
    let lengths = try zip(golden.tensor("text_lengths").ints(), golden.tensor("id_lengths").ints()).map { ($0, $1) }
    #expect(lengths.count >= 10_000)
    var (byte, id, wrong) = (0, 0, [String]())
    for (byteCount, idCount) in lengths {
      let text = String(decoding: bytes[byte..<byte + byteCount], as: UTF8.self)
      let expected = ids[id..<id + idCount].map { Int32($0) }
      if tokenizer.encode(text).ids != expected { wrong.append(text) }
      (byte, id) = (byte + byteCount, id + idCount)
    }
    #expect(wrong.count == 0, "\(wrong.count) texts differ, such as \(wrong.prefix(5))")
  }

  @Test func everyCodePointIsReadAsHuggingFaceReadsIt() throws {
    let golden = try SafetensorsFile(Project.golden("tokenizer.safetensors"))
    let digests = try golden.tensor("digests")
    for (row, block) in try golden.tensor("blocks").ints().enumerated() {
      var text = ""
      for value in UInt32(block * 4096)..<UInt32((block + 1) * 4096) {
        guard let scalar = Unicode.Scalar(value) else { continue }
        var word = "a".unicodeScalars
        word.append(scalar)
        word.append("b")
        text += tokenizer.encode(String(word)).ids.map(String.init).joined(separator: " ") + "\n"
      }
      let expected = digests[row].bytes().map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
      #expect(SHA256.hexDigest(Array(text.utf8)) == expected, "code points from U+\(String(block * 4096, radix: 16))")
    }
  }

  @Test func wordsThatDoNotFitAreNamedAsTyped() {
    let encoding = tokenizer.encode("A red Apple über the Xylophone", maxLength: 6)
    #expect(encoding.ids.count == 6)
    #expect(encoding.ids.last == tokenizer.sepID)
    #expect(encoding.dropped == ["the", "Xylophone"])
  }

  @Test func aWordThatIsCutInTheMiddleIsNamedToo() {
    let whole = tokenizer.encode("xylophonist")
    #expect(whole.ids.count > 4)
    #expect(tokenizer.encode("xylophonist", maxLength: 4).dropped == ["xylophonist"])
  }

  @Test func decodingJoinsThePieces() {
    #expect(tokenizer.decode(tokenizer.encode("A xylophone, loud").ids) == "a xylophone , loud")
  }
}

/// The rules, on vocabularies that are small enough to see them.
@Suite struct SmallVocabularyTests {
  private func tokenizer(_ pieces: [String]) throws -> WordPieceTokenizer {
    try Project.inTemporaryFolder { folder in
      let file = folder.appendingPathComponent("vocab.txt")
      try Data((["[PAD]", "[UNK]", "[CLS]", "[SEP]"] + pieces).joined(separator: "\n").utf8).write(to: file)
      return try WordPieceTokenizer(vocabulary: file)
    }
  }

  /// The pieces between `[CLS]` and `[SEP]`.
  private func pieces(_ text: String, _ vocabulary: [String]) throws -> [String] {
    try Array(tokenizer(vocabulary).encode(text).pieces.dropFirst().dropLast())
  }

  @Test func theLongestPieceComesFirst() throws {
    let vocabulary = ["a", "ab", "abc", "##c", "##d", "##cd", "##ab"]
    #expect(try pieces("abcd", vocabulary) == ["abc", "##d"])
    #expect(try pieces("ABD", vocabulary) == ["ab", "##d"])
    #expect(try pieces("acdab", vocabulary) == ["a", "##cd", "##ab"])
  }

  @Test func aPieceThatBeginsAWordDoesNotContinueOne() throws {
    #expect(try pieces("ba", ["a", "b"]) == ["[UNK]"])
    #expect(try pieces("ab b", ["a", "##b"]) == ["a", "##b", "[UNK]"])
  }

  @Test func noChoiceIsTakenBack() throws {
    #expect(try pieces("abcd", ["ab", "abc", "##cd"]) == ["[UNK]"])  // "ab" and "##cd" would do
  }

  @Test func aWordThatIsCoveredInPartIsUnknownAsAWhole() throws {
    let encoding = try tokenizer(["red", "cub", "cube"]).encode("Red cubes cube")
    #expect(encoding.pieces == ["[CLS]", "red", "[UNK]", "cube", "[SEP]"])
    #expect(encoding.unknown == ["cubes"] && encoding.dropped.isEmpty)
  }

  @Test(arguments: ["a", "\u{436}", "\u{1f600}"]) func wordsOfMoreThanAHundredCharactersAreUnknown(_ letter: String)
    throws
  {
    let tokenizer = try tokenizer([letter, "##" + letter])
    let (hundred, longer) = (String(repeating: letter, count: 100), String(repeating: letter, count: 101))
    #expect(tokenizer.encode(hundred).ids.count == 102 && tokenizer.encode(hundred).unknown.isEmpty)
    #expect(tokenizer.encode(longer).ids == [tokenizer.clsID, tokenizer.unkID, tokenizer.sepID])
    #expect(tokenizer.encode(longer).unknown == [longer])
  }

  @Test(arguments: ["", " ", "\t\n", "\u{0}\u{200b}", "\u{301}"]) func aTextWithoutWordsIsItsTwoEnds(_ text: String)
    throws
  {
    let tokenizer = try tokenizer(["a"])
    let encoding = tokenizer.encode(text)
    #expect(encoding.ids == [2, 3] && encoding.pieces == ["[CLS]", "[SEP]"])
    #expect(encoding.dropped.isEmpty && encoding.unknown.isEmpty)
  }

  @Test func piecesAreFoundByTheirBytes() throws {
    // Syllables are decomposed before they are looked up; a composed piece is equal to Swift, and is not found.
    #expect(try pieces("\u{d55c}", ["\u{d55c}"]) == ["[UNK]"])
    #expect(try pieces("\u{d55c}", ["\u{1112}", "##\u{1161}\u{11ab}"]).count == 2)
    #expect(try pieces("\u{e9}", ["\u{e9}", "e\u{301}"]) == ["[UNK]"])
    #expect(try pieces("e\u{301}", ["e"]) == ["e"])
  }

  @Test func specialPiecesInATextAreReadAsSuch() throws {
    let tokenizer = try tokenizer(["a", "b", "[", "]", "sep"])
    #expect(tokenizer.encode("a[SEP]b [CLS] [PAD]").ids == [2, 4, 3, 5, 2, 0, 3])
    #expect(tokenizer.encode("[sep]").pieces == ["[CLS]", "[", "sep", "]", "[SEP]"])
    #expect(tokenizer.encode("[[SEP]").pieces == ["[CLS]", "[", "[SEP]", "[SEP]"])
    #expect(tokenizer.encode("[MASK]").ids == [2, tokenizer.unkID, 3])  // this vocabulary has none
    #expect(tokenizer.encode("a [SEP] b", maxLength: 3).dropped == ["[SEP]", "b"])
  }

  @Test func decodingPassesOverWhatIsNoPiece() throws {
    let tokenizer = try tokenizer(["red", "##der", "cube"])
    #expect(tokenizer.decode([2, 4, 5, 1, 6, 3, 0, 0]) == "redder [UNK] cube")
    #expect(tokenizer.decode([-1, 4, 7, .max]) == "red")
    #expect(tokenizer.decode([]) == "")
  }

  @Test func aPieceThatBeginsWithAMarkIsJoinedToo() throws {
    // To Swift "#" and a vowel sign that follows are one character.
    let tokenizer = try tokenizer(["\u{928}", "##\u{93e}", "##\u{92e}"])
    let encoding = tokenizer.encode("\u{928}\u{93e}\u{92e}")
    #expect(encoding.ids == [2, 4, 5, 6, 3])
    #expect(tokenizer.decode(encoding.ids) == "\u{928}\u{93e}\u{92e}")
  }

  @Test func wordsOfKnownLettersSurviveTheRoundTrip() throws {
    let letters = ["a", "b", "c", "bc", "ca"]
    let tokenizer = try tokenizer(letters + letters.map { "##" + $0 })
    for index in 0..<500 {
      var random = SplitMix64(seed: 5, index: UInt64(index))
      let text = (0..<random.below(6)).map { _ in
        (0...random.below(9)).map { _ in random.pick(["a", "b", "c"]) }.joined()
      }.joined(separator: " ")
      #expect(tokenizer.decode(tokenizer.encode(text).ids) == text)
    }
  }
}

/// What holds for any text, with MiniLM's vocabulary.
@Suite struct EncodingPropertyTests {
  private let tokenizer: WordPieceTokenizer

  init() throws { tokenizer = try WordPieceTokenizer(vocabulary: Project.minilm.appendingPathComponent("vocab.txt")) }

  private let texts = RandomText.texts(400, seed: 6).map { String(scalars: $0) }

  @Test func idsAreThoseOfPiecesBetweenTheEnds() {
    for text in texts {
      let encoding = tokenizer.encode(text)
      #expect(encoding.ids.first == tokenizer.clsID && encoding.ids.last == tokenizer.sepID)
      #expect(encoding.ids.allSatisfy { $0 >= 0 && $0 < tokenizer.count })
      #expect(encoding.ids.count == encoding.pieces.count && encoding.dropped.isEmpty)
      #expect(encoding.unknown.count == encoding.ids.filter { $0 == tokenizer.unkID }.count)
    }
  }

  @Test func aLimitCutsTheEndOff() {
    for text in texts.prefix(100) {
      let whole = tokenizer.encode(text)
      for limit in 0..<whole.ids.count + 2 {
        let cut = tokenizer.encode(text, maxLength: limit)
        let kept = max(min(limit, whole.ids.count), 2) - 1
        #expect(cut.ids == whole.ids.prefix(kept) + [tokenizer.sepID])
        #expect(cut.dropped.isEmpty == (whole.ids.count <= max(limit, 2)))
      }
    }
  }

  @Test func whatIsDecodedIsEncodedAsBefore() {
    for text in texts {
      let ids = tokenizer.encode(text).ids
      #expect(
        tokenizer.encode(tokenizer.decode(ids)).ids == ids, "\(text.unicodeScalars.map { String($0.value, radix: 16) })"
      )
    }
  }
}
