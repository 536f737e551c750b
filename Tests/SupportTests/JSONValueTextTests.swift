import Support
import Testing

@Suite struct JSONValueTextTests {
  @Test(arguments: [
    #"{"b":1,"a":[true,null,"x\ny\"\\"],"c":-2.5,"a":{}}"#, #"[]"#, #""é🍎\u0001""#, "9223372036854775807", "1e+300",
  ])
  func aDocumentIsWrittenAsItWasRead(_ text: String) throws {
    #expect(try #require(JSONValue(Array(text.utf8))).text == text)
  }

  @Test func numbersThatJSONLacksAreNull() {
    #expect(JSONValue(Double.nan).text == "null")
    #expect(JSONValue(2.0).text == "2")
    #expect(JSONValue(UInt64.max).text == "\"18446744073709551615\"")
    #expect(JSONValue(nil as String?).isNull)
  }
}
