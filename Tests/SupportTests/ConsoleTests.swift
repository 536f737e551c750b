import Foundation
import Support
import TestSupport
import Testing

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
}
