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
}
