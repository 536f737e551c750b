import Foundation
import Support
import Testing

@Suite struct ConfigurationErrorTests {
  private struct Sizes: ModelConfiguration {
    func validate() throws(ConfigurationError) {}
  }

  private enum Spacing: String, ConfigurationChoice { case leading, trailing }

  private let sizes = Sizes()

  private func sentence(_ check: () throws(ConfigurationError) -> Void) -> String? {
    do throws(ConfigurationError) {
      try check()
      return nil
    } catch { return error.description }
  }

  @Test func anErrorNamesKeyValueAndWhatWasExpected() {
    let error = ConfigurationError("widths[1]", 7, expected: "a multiple of 4")
    #expect(error.description == "widths[1] is 7, expected a multiple of 4")
    #expect(error == ConfigurationError("widths[1]", "7", expected: "a multiple of 4"))
  }

  @Test func wholeNumbersAreHeldAgainstARangeWithItsBounds() {
    for value in [1, 5, 9] {
      #expect(sentence { () throws(ConfigurationError) in try sizes.require("n", value, in: 1...9) } == nil)
    }
    for value in [0, 10, Int.min, Int.max] {
      #expect(
        sentence { () throws(ConfigurationError) in try sizes.require("n", value, in: 1...9) }
          == "n is \(value), expected 1 to 9")
    }
  }

  @Test func theFirstWrongNumberOfAListIsNamedByItsIndex() {
    #expect(
      sentence { () throws(ConfigurationError) in try sizes.require("widths", [3, 4, 99, 0], in: 1...9) }
        == "widths[2] is 99, expected 1 to 9")
    #expect(sentence { () throws(ConfigurationError) in try sizes.require("widths", [Int](), in: 1...9) } == nil)
  }

  @Test func noRangeHoldsNaNOrInfinity() {
    let values: [(Double, String)] = [(-.nan, "NaN"), (.infinity, "infinity"), (-.infinity, "-infinity"), (1.5, "1.5")]
    for (value, shown) in values {
      #expect(
        sentence { () throws(ConfigurationError) in try sizes.require("p", value, in: 0...1) }
          == "p is \(shown), expected 0.0 to 1.0")
    }
    #expect(sentence { () throws(ConfigurationError) in try sizes.require("p", 1, in: 0.0...1) } == nil)
  }

  @Test func multiplesAndCountsAreNamedAfterWhatTheyMustFit() {
    #expect(
      sentence { () throws(ConfigurationError) in try sizes.require("width", 10, multipleOf: 4, "heads") }
        == "width is 10, expected a multiple of heads, 4")
    #expect(sentence { () throws(ConfigurationError) in try sizes.require("width", 12, multipleOf: 4, "heads") } == nil)
    #expect(
      sentence { () throws(ConfigurationError) in try sizes.require("blocks", count: 2, as: 3, of: "widths") }
        == "blocks is a list of 2, expected 3, one for each entry of widths")
  }

  @Test func aChoiceIsReadByItsWordAndOtherWordsNameAllOfThem() throws {
    func decode(_ json: String) throws -> [Spacing] { try JSONDecoder().decode([Spacing].self, from: Data(json.utf8)) }
    #expect(try decode(#"["trailing", "leading"]"#) == [.trailing, .leading])
    #expect(String(decoding: try JSONEncoder().encode([Spacing.leading]), as: UTF8.self) == #"["leading"]"#)
    for json in [#"["Leading"]"#, "[1]", "[null]"] {
      let error = #expect(throws: DecodingError.self) { try decode(json) }
      guard case .dataCorrupted(let context) = error else {
        Issue.record("\(json): \(String(describing: error))")
        continue
      }
      #expect(context.debugDescription == #"expected one of "leading", "trailing""#)
    }
  }
}
