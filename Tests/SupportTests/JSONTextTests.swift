import Support
import Testing

@Suite struct JSONTextTests {
  @Test(arguments: [
    #"{"a":[1,-2.5,true,false,null,"x"],"b":{}}"#, #""\"\\\n\t\u0001é👍""#, #"9007199254740993"#, #"[]"#,
    #"{"b":1,"a":[true,null,"x\ny\"\\"],"c":-2.5,"a":{}}"#, "9223372036854775807", "1e+300",
  ])
  func whatIsReadIsWrittenTheSame(_ text: String) {
    #expect(JSONValue(Array(text.utf8))?.text == text)
  }

  @Test func literalsAreValues() {
    let value: JSONValue = ["name": "a", "count": 2, "share": 0.5, "whole": 3.0, "flags": [true, false]]
    #expect(value.text == #"{"name":"a","count":2,"share":0.5,"whole":3,"flags":[true,false]}"#)
  }

  @Test func whatJSONCannotHoldIsNull() {
    #expect(JSONValue.double(.nan).text == "null" && JSONValue.double(.infinity).text == "null")
    #expect(JSONValue.optional(nil).isNull)
    #expect(JSONValue.seed(7).text == "7" && JSONValue.seed(.max).text == "\"18446744073709551615\"")
  }

  @Test func aTextInAPageCannotEndItsScript() {
    #expect(JSONValue.string("</script>\u{2028}").text == #""\u003c/script>\u2028""#)
  }
}
