import Support
import Testing

@Suite struct CSVTests {
  private func rows(_ text: String) throws -> [[String]] { try CSV.rows(Array(text.utf8)).map(\.fields) }

  @Test(arguments: ["a,b\nc,d", "a,b\r\nc,d\r\n", "a,b\rc,d\r", "\u{FEFF}a,b\n\nc,d\n"])
  func linesEndInAnyWay(_ text: String) throws {
    #expect(try rows(text) == [["a", "b"], ["c", "d"]])
  }

  @Test func quotesHideCommasLineBreaksAndQuotes() throws {
    #expect(try rows("\"a, b\",\"two\r\nlines\",\"say \"\"hi\"\"\"\n") == [["a, b", "two\r\nlines", "say \"hi\""]])
  }

  @Test func emptyFieldsAreFields() throws {
    #expect(try rows("a,,\n,b,\"\"\n\"\"\n") == [["a", "", ""], ["", "b", ""], [""]])
  }

  @Test func aQuoteWithinAFieldIsALetter() throws {
    #expect(try rows("5\" disk,x") == [["5\" disk", "x"]])
  }

  @Test func rowsKnowTheLineTheyBeginOn() throws {
    let rows = try CSV.rows(Array("a\n\"b\n\nc\"\n\nd\n".utf8))
    #expect(rows.map(\.line) == [1, 2, 6])
  }

  @Test func aQuoteThatIsNeverClosedIsNamed() {
    let error = #expect(throws: CSV.UnclosedQuote.self) { try rows("a\nb,\"c\nd\n") }
    #expect(error?.line == 2)
  }

  @Test func bytesThatAreNotUTF8AreReplaced() throws {
    #expect(try CSV.rows([0x61, 0xff, 0x2c, 0x62]).map(\.fields) == [["a\u{FFFD}", "b"]])
  }

  @Test func whatFollowsAClosedQuoteBelongsToTheField() throws {
    #expect(try rows("\"a\"b,\"c\" \"d\"") == [["ab", "c \"d\""]])
    #expect(try rows(" \"a\",b") == [[" \"a\"", "b"]], "a quote after a space is a letter")
  }

  @Test func theLastLineNeedsNoEndAndNothingIsNoRow() throws {
    #expect(try rows("a,b") == [["a", "b"]] && rows("a,") == [["a", ""]])
    #expect(try rows("").isEmpty && rows("\n\r\n\n").isEmpty && rows("\u{FEFF}").isEmpty)
  }

  @Test(arguments: ["\n", "\r\n", "\r"]) func linesAreCountedByAnyEnd(_ end: String) throws {
    let text = ["a", "", "\"b", "c\"", "d"].joined(separator: end)
    #expect(try CSV.rows(Array(text.utf8)).map(\.line) == [1, 3, 5])
    let open = ["a", "b", "\"c"].joined(separator: end)
    #expect(#expect(throws: CSV.UnclosedQuote.self) { try rows(open) }?.line == 3)
  }
}
