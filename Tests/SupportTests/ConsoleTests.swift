import Testing

@testable import Support

@Suite struct ConsoleTests {
  @Test func controlCharactersAreShownAsEscapes() {
    #expect(Console.printable("a\u{1b}[2Jb\rc\u{7f}\u{9b}31m") == "a\\x1b[2Jb\\x0dc\\x7f\\x9b31m")
    #expect(Console.printable("x\u{202e}gpj") == "x\\u202egpj")
    #expect(Console.printable("é 日本 🍎\n\tb") == "é 日本 🍎\n\tb")
    #expect(Console.printable("a\nb", lineBreaks: false) == "a\\x0ab")
  }

  @Test func textIsCutToTheColumnsOfATerminal() {
    #expect(Console.fitted("abcdef", columns: 6) == "abcdef")
    #expect(Console.fitted("abcdef", columns: 5) == "abcd…")
    #expect(Console.fitted("日本語", columns: 6) == "日本語")
    #expect(Console.fitted("日本語", columns: 5) == "日本…")
    #expect(Console.fitted("e\u{301}e\u{301}", columns: 2) == "e\u{301}e\u{301}")
    #expect(Console.fitted("abc", columns: 0) == "")
  }

  @Test func wideCharactersTakeTwoColumnsAndMarksNone() {
    #expect(Console.width("") == 0 && Console.width("abc é") == 5)
    #expect(Console.width("日本語") == 6 && Console.width("한글") == 4 && Console.width("ｆ") == 2)
    #expect(Console.width("🍎") == 2 && Console.width("─━–…") == 4)
    #expect(Console.width("e\u{301}") == 1 && Console.width("a\u{200d}b") == 2)
  }

  /// Whatever is cut off, the rest and its ellipsis fit.
  @Test func cutTextNeverNeedsMoreColumnsThanThereAre() {
    let text = "step 3 of 20, 日本語 🍎🍎 e\u{301}e\u{301} –"
    for columns in 0...40 {
      let fitted = Console.fitted(text, columns: columns)
      #expect(Console.width(fitted) <= columns, "\(columns)")
      #expect((fitted == text) == (Console.width(text) <= columns))
      if columns > 0, fitted != text { #expect(fitted.hasSuffix("…") && text.hasPrefix(fitted.dropLast())) }
    }
  }

  @Test func everyControlCharacterIsEscaped() {
    for value in Array(0..<0x20) + Array(0x7f..<0xa0) as [UInt32] {
      let text = Console.printable(String(Character(Unicode.Scalar(value)!)), lineBreaks: false)
      #expect(text == "\\x" + (value < 16 ? "0" : "") + String(value, radix: 16))
    }
    #expect(Console.printable("a\u{2028}b\u{2066}c") == "a\\u2028b\\u2066c")
    #expect(Console.printable("\r\n") == "\\x0d\n", "a line break of two characters is two")
  }
}
