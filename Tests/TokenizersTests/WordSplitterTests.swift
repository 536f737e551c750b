import Foundation
import Support
import Testing

@testable import Tokenizers

@Suite struct WordSplitterTests {
  private func words(_ text: String) -> [String] {
    WordSplitter.words(Array(text.unicodeScalars)).map { String(scalars: $0.scalars) }
  }

  /// What each word was, as typed.
  private func typed(_ text: String) -> [String] {
    let scalars = Array(text.unicodeScalars)
    return WordSplitter.words(scalars).map { String(scalars: scalars[$0.source]) }
  }

  @Test(arguments: [" ", "\t", "\n", "\r", "\r\n", "  ", "\u{a0}", "\u{2003}", "\u{2028}", "\u{3000}"])
  func allWhiteSpaceSeparatesWords(_ space: String) {
    #expect(words("\(space)red\(space)cube\(space)") == ["red", "cube"])
  }

  @Test(arguments: ["\u{0}", "\u{7}", "\u{7f}", "\u{85}\u{ad}", "\u{200b}", "\u{feff}", "\u{fffd}", "\u{e000}"])
  func controlCharactersVanishWithoutSeparating(_ control: String) {
    // U+0085 is white space as well as a control character; the reference removes it.
    #expect(words("re\(control)d") == ["red"])
    #expect(words(control).isEmpty)
  }

  @Test func casesAndAccentsVanish() {
    #expect(words("ÜBER Crème BRÛLÉE") == ["uber", "creme", "brulee"])
    #expect(words("\u{212b}ngström") == ["angstrom"])  // the sign of the unit
    #expect(words("İstanbul") == ["istanbul"])
    #expect(words("Việt") == ["viet"])  // two marks on one letter
    #expect(words("\u{301}\u{308}").isEmpty)
  }

  @Test func whatHasNoCanonicalDecompositionStays() {
    #expect(words("Straße Øl Łódź ﬁn") == ["straße", "øl", "łodz", "ﬁn"])
    #expect(words("ΣΑΣ") == ["σασ"])  // each letter alone: no final sigma
  }

  @Test func hangulFallsApartIntoItsLetters() throws {
    let word = try #require(words("\u{d55c}").first)
    #expect(word.unicodeScalars.map(\.value) == [0x1112, 0x1161, 0x11ab])
  }

  @Test func everyASCIISymbolIsAWord() {
    let symbols = (33...126).map { Unicode.Scalar(UInt8($0)) }.filter {
      !Character($0).isLetter && !Character($0).isNumber
    }
    #expect(symbols.count == 32)
    for symbol in symbols {
      let text = String(Character(symbol))
      #expect(words("a\(text)b") == ["a", text, "b"])
      #expect(words(text + text) == [text, text])
    }
  }

  @Test func punctuationOfOtherScriptsIsAWordAndSymbolsAreNot() {
    #expect(words("„so“—¿no?") == ["„", "so", "“", "—", "¿", "no", "?"])
    #expect(words("猫。犬") == ["猫", "。", "犬"])
    #expect(words("5€ ©x ²") == ["5€", "©x", "²"])
    #expect(words("a\u{226e}b") == ["a", "<", "b"])  // decomposes into < and a mark
  }

  @Test func ideographsStandAloneAndKanaDoNot() {
    #expect(words("a中文b") == ["a", "中", "文", "b"])
    #expect(words("ひらカナ") == ["ひらカナ"])
    #expect(
      words("\u{3400}\u{20000}\u{2f800}").map { $0.unicodeScalars.map(\.value) } == [[0x3400], [0x20000], [0x4e3d]])
    #expect(words("\u{f900}").first?.unicodeScalars.first?.value == 0x8c48)
  }

  @Test func wordsKnowWhatWasTyped() {
    #expect(typed("  Über,  die\tÄpfel \n") == ["Über", ",", "die", "Äpfel"])
    #expect(typed("e\u{301}t\u{e9} 中文") == ["e\u{301}t\u{e9}", "中", "文"])
    #expect(typed("a\u{200b}b c") == ["a\u{200b}b", "c"])
  }

  @Test func sourcesAscendAndNeverBeginOrEndInWhiteSpace() {
    for text in RandomText.texts(2000, seed: 1) {
      var end = 0
      for word in WordSplitter.words(text) {
        #expect(!word.scalars.isEmpty && word.source.lowerBound >= end && word.source.upperBound <= text.count)
        #expect(!word.source.isEmpty)
        let isSpace = [text[word.source.lowerBound], text[word.source.upperBound - 1]].map(\.properties.isWhitespace)
        #expect(isSpace == [false, false], "\(text)")
        end = word.source.upperBound
      }
    }
  }

  @Test func splittingTwiceIsSplittingOnce() {
    for text in RandomText.texts(2000, seed: 2) {
      let once = words(String(scalars: text))
      #expect(words(once.joined(separator: " ")) == once, "\(text)")
    }
  }

  @Test func aSpaceJoinsTwoTextsWithoutChangingTheirWords() {
    let texts = RandomText.texts(1000, seed: 3)
    for (a, b) in zip(texts, texts.dropFirst()) {
      let joined = WordSplitter.words(a + [" "] + b).map(\.scalars)
      #expect(joined == (WordSplitter.words(a) + WordSplitter.words(b)).map(\.scalars))
    }
  }

  @Test func composedAndDecomposedTextsHaveTheSameWords() {
    for text in RandomText.texts(2000, seed: 4) {
      let string = String(scalars: text)
      let (composed, decomposed) = (
        string.precomposedStringWithCanonicalMapping, string.decomposedStringWithCanonicalMapping
      )
      #expect(
        WordSplitter.words(Array(composed.unicodeScalars)).map(\.scalars)
          == WordSplitter.words(Array(decomposed.unicodeScalars)).map(\.scalars))
    }
  }
}
