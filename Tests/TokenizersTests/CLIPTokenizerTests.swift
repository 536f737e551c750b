import Foundation
import Support
import TestSupport
import Testing
import Torch

@testable import Tokenizers

/// The vocabularies of Tools/golden/clip_tokenizer.py.
enum CLIPVocabulary: String, CaseIterable, Sendable {
  case real, toy, exclamation

  /// Its folder; that of the real one is made by `Scripts/setup clip`.
  var folder: URL {
    self == .real ? Project.root.appendingPathComponent(".deps/clip") : Project.golden("clip_tokenizer/\(rawValue)")
  }

  /// Those that there are on this machine.
  static let present = allCases.filter { FileManager.default.fileExists(atPath: $0.folder.path) }

  /// Why tests of the real vocabulary are skipped.
  static let skipped: Comment = "CLIP's vocabulary is missing; run Scripts/setup clip"

  func tokenizer() throws -> CLIPTokenizer { try CLIPTokenizer(directory: folder) }
}

@Suite struct CLIPTokenizerGoldenTests {
  private let golden: SafetensorsFile

  init() throws { golden = try SafetensorsFile(Project.golden("clip_tokenizer/texts.safetensors")) }

  private func texts() throws -> [String] {
    let bytes = try golden.tensor("text").bytes()
    var start = 0
    return try golden.tensor("text_lengths").ints().map { length in
      defer { start += length }
      return String(decoding: bytes[start..<start + length], as: UTF8.self)
    }
  }

  private func digest(_ ids: [Int32]) -> String {
    String(SHA256.hexDigest(Array(ids.map(String.init).joined(separator: " ").utf8)).prefix(8))
  }

  private func hex(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }

  @Test(.enabled(if: CLIPVocabulary.present.contains(.real), CLIPVocabulary.skipped))
  func theRealVocabularyIsThere() throws {
    let tokenizer = try CLIPVocabulary.real.tokenizer()
    #expect(tokenizer.count == 49_408 && tokenizer.startID == 49_406 && tokenizer.endID == 49_407)
    #expect(tokenizer.encode("a photo of a cat!").ids == [49_406, 320, 1125, 539, 320, 2368, 256, 49_407])
  }

  @Test(arguments: CLIPVocabulary.present) func idsOfTenThousandTextsAreThoseOfTransformers(
    _ vocabulary: CLIPVocabulary
  )
    throws
  {
    let tokenizer = try vocabulary.tokenizer()
    let texts = try texts()
    #expect(texts.count >= 10_000)
    let digests = try golden.tensor("\(vocabulary.rawValue).digests").bytes()
    let wrong = texts.indices.filter { index in
      digest(tokenizer.encode(texts[index], maxLength: nil).ids) != hex(digests[4 * index..<4 * index + 4])
    }.map { texts[$0] }
    #expect(wrong.isEmpty, "\(wrong.count) texts differ, such as \(wrong.prefix(5).map { Array($0.unicodeScalars) })")
  }

  @Test(arguments: CLIPVocabulary.present) func idsOfTheFirstTextsAreThoseOfTransformers(_ vocabulary: CLIPVocabulary)
    throws
  {
    let tokenizer = try vocabulary.tokenizer()
    let ids = try golden.tensor("\(vocabulary.rawValue).ids").ints()
    var start = 0
    for (text, length) in zip(try texts(), try golden.tensor("\(vocabulary.rawValue).id_lengths").ints()) {
      #expect(tokenizer.encode(text, maxLength: nil).ids.map(Int.init) == Array(ids[start..<start + length]), "\(text)")
      start += length
    }
  }

  @Test(arguments: CLIPVocabulary.present.filter { $0 != .exclamation })
  func everyCodePointIsReadAsTransformersReadsIt(_ vocabulary: CLIPVocabulary) throws {
    let tokenizer = try vocabulary.tokenizer()
    let digests = try golden.tensor("\(vocabulary.rawValue).blocks")
    for (row, block) in try golden.tensor("blocks").ints().enumerated() {
      var text = ""
      for value in UInt32(block * 4096)..<UInt32((block + 1) * 4096) {
        guard let scalar = Unicode.Scalar(value) else { continue }
        let word = String(scalars: ["a", scalar, "b"])
        text += tokenizer.encode(word, maxLength: nil).ids.map(String.init).joined(separator: " ") + "\n"
      }
      #expect(
        SHA256.hexDigest(Array(text.utf8)) == hex(digests[row].bytes()),
        "code points from U+\(String(block * 4096, radix: 16))")
    }
  }
}

/// What holds for any text, with the toy vocabulary.
@Suite struct CLIPTokenizerTests {
  private let tokenizer: CLIPTokenizer

  init() throws { tokenizer = try CLIPVocabulary.toy.tokenizer() }

  private let texts = RandomText.texts(300, seed: 6).map { String(scalars: $0) }

  @Test func aTextIsBetweenItsTwoEnds() {
    #expect(tokenizer.count == 814 && tokenizer.padID == tokenizer.endID)
    #expect(tokenizer.encode("").ids == [tokenizer.startID, tokenizer.endID])
    for text in texts {
      let encoding = tokenizer.encode(text, maxLength: nil)
      #expect(encoding.ids.first == tokenizer.startID && encoding.ids.last == tokenizer.endID)
      #expect(encoding.ids.count == encoding.pieces.count && encoding.dropped.isEmpty && encoding.unknown.isEmpty)
      #expect(Array(encoding.ids.dropFirst().dropLast()) == tokenizer.words(of: text).flatMap(\.ids))
    }
  }

  @Test func aLimitCutsTheEndOff() {
    for text in texts.prefix(60) {
      let whole = tokenizer.encode(text, maxLength: nil)
      for limit in 0..<whole.ids.count + 2 {
        let cut = tokenizer.encode(text, maxLength: limit)
        let kept = max(min(limit, whole.ids.count), 2) - 1
        #expect(cut.ids == whole.ids.prefix(kept) + [tokenizer.endID])
        #expect(cut.dropped.isEmpty == (whole.ids.count <= max(limit, 2)))
      }
    }
  }

  @Test func seventyFivePiecesFitUnlessMoreAreAskedFor() {
    let text = [String](repeating: "!", count: 80).joined(separator: " ")
    #expect(tokenizer.encode(text).ids.count == 77 && tokenizer.encode(text).dropped.count == 5)
    #expect(tokenizer.encode(text, maxLength: nil).ids.count == 82)
  }

  @Test func wordsThatDoNotFitAreNamedAsTyped() {
    let encoding = tokenizer.encode("A Red Apple, It’s IT'S 1024 ÜBER", maxLength: 2)
    #expect(encoding.dropped == ["A", "Red", "Apple", ",", "It", "’", "s", "IT'S", "1024", "ÜBER"])
    #expect(tokenizer.words(of: "IT'S").map(\.text) == ["IT'S"])
    #expect(tokenizer.words(of: "a1024b 7 7").map(\.text) == ["a", "1024", "b", "7", "7"])
    #expect(tokenizer.words(of: "cafe\u{301}s").map(\.text) == ["cafe\u{301}s"])
  }

  @Test func decodingJoinsThePieces() {
    #expect(tokenizer.decode(tokenizer.encode("  A Xylophone,  LOUD  \u{1f600}").ids) == "a xylophone , loud \u{1f600}")
    #expect(tokenizer.decode([-1, 5000, .max]) == "")
    for text in texts {
      let ids = tokenizer.encode(text, maxLength: nil).ids
      #expect(tokenizer.encode(tokenizer.decode(ids), maxLength: nil).ids == ids, "\(Array(text.unicodeScalars))")
    }
  }

  @Test func aWordThatIsCutInTheMiddleIsNamedToo() {
    let whole = tokenizer.encode("a xylophone")
    #expect(whole.ids.count > 5)
    #expect(tokenizer.encode("a Xylophone b", maxLength: 5).dropped == ["Xylophone", "b"])
  }

  @Test func thePaddingOfStableDiffusion2IsAnExclamationMarkThatTextsHaveToo() throws {
    let other = try CLIPVocabulary.exclamation.tokenizer()
    #expect(other.padID == 0 && other.count == tokenizer.count)
    #expect(other.encode("a!").ids != tokenizer.encode("a!").ids)
    #expect(other.encode("a!!").ids.suffix(3) == [0, 0, other.endID])
    #expect(other.encode("a").ids == tokenizer.encode("a").ids)
    let given = try CLIPTokenizer(directory: Project.golden("clip_tokenizer/toy"), pad: "!")
    #expect(given.padID == 0 && given.encode("a!! b").ids == other.encode("a!! b").ids)
    // Its named tokens are found in lower case, those of files without a word on it only as they are.
    #expect(other.encode("<|EndOfText|>").ids == [other.startID, other.endID, other.endID])
    #expect(tokenizer.encode("<|EndOfText|>").ids.count > 5)
  }

  @Test func aVeryLongWordTakesNoLongerThanALongText() {
    let word = String(repeating: "abcdefghij", count: 30_000)
    #expect(tokenizer.words(of: word).first?.ids.isEmpty == false)
  }

  @Test func itIsUsedAsAnyTokenizerOfPrompts() throws {
    let both: [any PromptTokenizer] = [
      tokenizer, try WordPieceTokenizer(vocabulary: Project.minilm.appendingPathComponent("vocab.txt")),
    ]
    for tokenizer in both {
      #expect(tokenizer.decode(tokenizer.encode("a red apple", maxLength: nil).ids) == "a red apple")
      #expect(tokenizer.padID < tokenizer.count)
    }
  }
}
