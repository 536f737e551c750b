import Support
import Testing

@testable import Tokenizers

@Suite struct BytePairsTests {
  private func pairs(_ merges: [(String, String)], without missing: String = "") throws -> BytePairs {
    let pieces = BytePairs.bytePieces.filter { $0 != missing } + merges.map { $0.0 + $0.1 }
    return try BytePairs(vocabulary: pieces.enumerated().map { ($1, $0) }, merges: merges, file: "FILE")
  }

  private func pieces(_ word: String, _ merges: [(String, String)]) throws -> [String] {
    let pairs = try pairs(merges)
    return pairs.ids(of: Array(word.utf8)).map { $0.map { pairs.pieces[Int($0)] } ?? "?" }
  }

  @Test func theFirstMergeOfTheListComesFirst() throws {
    #expect(try pieces("abc", [("b", "c</w>"), ("a", "b")]) == ["a", "bc</w>"])
    #expect(try pieces("abc", [("a", "b"), ("b", "c</w>")]) == ["ab", "c</w>"])
    #expect(try pieces("abc", [("a", "b"), ("ab", "c</w>")]) == ["abc</w>"])
  }

  @Test func ofEqualMergesTheLeftmostComesFirst() throws {
    #expect(try pieces("aaaa", [("a", "a")]) == ["aa", "a", "a</w>"])
    #expect(try pieces("aaaaa", [("a", "a"), ("aa", "aa")]) == ["aaaa", "a</w>"])
  }

  @Test func theLastByteIsAnotherPiece() throws {
    #expect(try pieces("aa", [("a", "a")]) == ["a", "a</w>"])
    #expect(try pieces("a", []) == ["a</w>"])
    #expect(try pieces("", []) == [])
  }

  @Test func bytesHaveTheCharactersOfGPT2() throws {
    #expect(try pieces("é ", []) == ["Ã", "©", "Ġ</w>"])
    #expect(
      BytePairs.alphabet[0] == "\u{100}" && BytePairs.alphabet[0xad] == "\u{143}" && BytePairs.alphabet[65] == "A")
    #expect(Set(BytePairs.alphabet).count == 256)
    #expect(BytePairs.bytePieces.prefix(2) == ["!", "\""] && BytePairs.bytePieces[256] == "!</w>")
  }

  @Test func aByteThatTheVocabularyLacksIsNil() throws {
    let pairs = try pairs([("a", "c</w>")], without: "b")
    #expect(pairs.ids(of: Array("abac".utf8)).map { $0 == nil } == [false, true, false])
  }

  @Test func theOrderOfMergesDoesNotDependOnTheQueue() throws {
    // Every step searched for in the whole word, as the algorithm is defined.
    func slowly(_ word: String, _ merges: [(String, String)]) -> [String] {
      var symbols = word.map { String($0) }
      symbols[symbols.count - 1] += "</w>"
      while true {
        let next = merges.lazy.compactMap { merge in
          symbols.indices.dropLast().first { symbols[$0] == merge.0 && symbols[$0 + 1] == merge.1 }
        }.first
        guard let next else { return symbols }
        symbols[next] += symbols.remove(at: next + 1)
      }
    }
    let merges = [("a", "b"), ("b", "a"), ("ab", "ab"), ("c", "ab"), ("ba", "c"), ("abab", "a</w>"), ("c", "c")]
    for index in 0..<400 {
      var random = SplitMix64(seed: 9, index: UInt64(index))
      let word = (0...random.below(30)).map { _ in random.pick(["a", "b", "c"]) }.joined()
      #expect(try pieces(word, merges) == slowly(word, merges), "\(word)")
    }
  }
}
