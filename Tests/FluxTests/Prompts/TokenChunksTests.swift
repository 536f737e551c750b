import TestSupport
import Testing
import Tokenizers

@testable import Flux

@Suite struct TokenChunksTests {
  /// Every word is a number and its own token; a comma is 2.
  private struct Words: PromptTokenizer {
    let padID: Int32 = 1
    let count = 1000
    private let empty: TokenEncoding

    init() throws { empty = try CLIPTokenizer(directory: Project.golden("clip_tokenizer/toy")).encode("") }

    func encode(_ text: String, maxLength: Int?) -> TokenEncoding {
      var encoding = empty
      let words = text.replacing(",", with: " , ").split(separator: " ")
      encoding.ids = [0] + words.map { $0 == "," ? 2 : Int32($0) ?? 3 } + [1]
      return encoding
    }

    func decode(_ ids: [Int32]) -> String { "" }
  }

  private func chunks(_ text: String, length: Int = 5) throws -> [[Int32]] {
    TokenChunks([.init(text: text, weight: 1)], try Words(), length: length).chunks.map { $0.map(\.id) }
  }

  @Test func aShortTextIsOneChunk() throws {
    #expect(try chunks("10 11") == [[10, 11]])
    #expect(try chunks("") == [[]])
    #expect(try chunks("10 11 12 13 14") == [[10, 11, 12, 13, 14]])
  }

  @Test func aFullChunkEndsAfterItsLastComma() throws {
    #expect(try chunks("10, 11 12 13 14") == [[10, 2], [11, 12, 13, 14]])
    #expect(try chunks("10 11, 12, 13") == [[10, 11, 2, 12, 2], [13]])
    #expect(try chunks("10 11 12 13 14 15") == [[10, 11, 12, 13, 14], [15]])
  }

  @Test func aCommaThatDoesNotFitBeginsTheNextChunk() throws {
    #expect(try chunks("10 11 12 13 14, 15") == [[10, 11, 12, 13, 14], [2, 15]])
    // Such a comma ends no chunk.
    #expect(try chunks("10 11 12 13 14, 15 16 17 18 19") == [[10, 11, 12, 13, 14], [2, 15, 16, 17, 18], [19]])
  }

  @Test func aCommaMoreThan20TokensBackDoesNotCount() throws {
    let far = "10, " + (100..<129).map(String.init).joined(separator: " ")
    #expect(try chunks(far, length: 22).map(\.count) == [22, 9])
    #expect(try chunks("10 " + far, length: 22).map(\.count) == [3, 22, 7])
  }

  @Test func weightsStayWithTheirTokens() throws {
    let parts = TokenChunks(
      [.init(text: "10 11, 12", weight: 1), .init(text: "13 14 15", weight: 1.5)], try Words(), length: 5)
    #expect(parts.chunks.map { $0.map(\.id) } == [[10, 11, 2], [12, 13, 14, 15]])
    #expect(parts.chunks.map { $0.map(\.weight) } == [[1, 1, 1], [1, 1.5, 1.5, 1.5]])
  }
}
