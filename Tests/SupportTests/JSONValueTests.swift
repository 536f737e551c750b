import Foundation
import Support
import Testing

@Suite struct JSONValueTests {
  @Test func everyKindOfValueIsRead() throws {
    let text = #" {"a":[1,-2.5,1e2,true,false,null,"x\n\"\u00e9\ud83c\udf4e"],"b":{}} "#
    let value = try #require(JSONValue(Array(text.utf8)))
    let list = try #require(value["a"]?.array)
    #expect(list.map(\.int) == [1, nil, 100, nil, nil, nil, nil])
    #expect(list[1].double == -2.5 && list[5].isNull && list[6].string == "x\n\"é🍎")
    #expect(value["b"]?.fields?.isEmpty == true && value["c"].map { _ in true } == nil)
  }

  @Test func keysThatDifferInTheirUnicodeFormOnlyAreTwo() throws {
    let value = try #require(JSONValue(Array("{\"caf\u{e9}\":1,\"cafe\u{301}\":2}".utf8)))
    #expect(value.fields?.count == 2)
    #expect(value["caf\u{e9}"]?.int == 1 && value["cafe\u{301}"]?.int == 2)
  }

  @Test(arguments: [
    "", "{", "[1,]", "{\"a\" 1}", "{a:1}", "01", "1.", "-", "1e", "+1", ".5", "NaN", "tru", "\"", "\"\\x\"",
    "\"\\ud83c\"", "\"\\ud83cx\"", "\"\\udf4e\"", "\"\u{1}\"", "1 2", "[1}", "\u{FEFF}1",
  ])
  func whatIsNoJSONIsRefused(_ text: String) { #expect(JSONValue(Array(text.utf8)).map { _ in true } == nil) }

  @Test func bytesThatAreNoUTF8AndDeepNestsAreRefused() {
    #expect(JSONValue([0x22, 0xff, 0x22]).map { _ in true } == nil)
    let deep = [UInt8](repeating: 0x5b, count: 100_000)
    #expect(JSONValue(deep).map { _ in true } == nil)
  }

  @Test func largeNumbersAreExactOnlyWhereTheyFit() {
    #expect(JSONValue(Array("9223372036854775807".utf8))?.int == .max)
    #expect(JSONValue(Array("9223372036854775808".utf8))?.int == nil)
    #expect(JSONValue(Array("1e300".utf8))?.double == 1e300)
  }

  @Test func theLastOfEqualKeysCountsAndAllAreThere() throws {
    let value = try #require(JSONValue(Array(#"{"a": 1, "b": 2, "a": 3}"#.utf8)))
    #expect(value["a"]?.int == 3 && value.fields?.map(\.key) == ["a", "b", "a"])
  }

  @Test func aValueIsOfOneKindOnly() throws {
    for (text, kinds) in [
      ("\"x\"", [true, false, false, false, false]), ("1.5", [false, true, false, false, false]),
      ("[]", [false, false, true, false, false]), ("{}", [false, false, false, true, false]),
      ("null", [false, false, false, false, true]), ("true", [false, false, false, false, false]),
    ] {
      let value = try #require(JSONValue(Array(text.utf8)))
      #expect(
        [value.string != nil, value.double != nil, value.array != nil, value.fields != nil, value.isNull] == kinds,
        "\(text)")
      #expect(value["a"].map { _ in true } == nil)
    }
  }

  @Test(
    arguments: [("1.0", 1), ("-0", 0), ("1e3", 1000), ("12e-1", nil), ("0.5", nil), ("-7", -7)] as [(String, Int?)])
  func wholeNumbersMayBeWrittenWithFractionsAndExponents(_ text: String, _ whole: Int?) {
    #expect(JSONValue(Array(text.utf8))?.int == whole)
  }

  @Test func nestsAreReadDownTo64() {
    func nested(_ depth: Int) -> [UInt8] {
      Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
    }
    #expect(JSONValue(nested(64)).map { _ in true } == true && JSONValue(nested(70)).map { _ in true } == nil)
  }
}
