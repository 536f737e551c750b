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
