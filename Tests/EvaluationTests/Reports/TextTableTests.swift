import Testing

@testable import Evaluation

@Suite struct TextTableTests {
  @Test func theFirstColumnIsToTheLeftAndTheOthersToTheRight() {
    #expect(
      TextTable.lines([["", "share", "n"], ["apple", "9.5", "100"], ["fox", "12.0", "5"]]) == [
        "       share    n",
        "apple    9.5  100",
        "fox     12.0    5",
      ])
  }

  @Test func charactersAreCountedAndNotBytes() {
    #expect(TextTable.lines([["é–", "–"], ["abc", "12"]]) == ["é–    –", "abc  12"])
  }

  @Test func rowsMayBeShortAndTablesEmpty() {
    #expect(TextTable.lines([["a", "1", "2"], ["b"]]) == ["a  1  2", "b"])
    #expect(TextTable.lines([]).isEmpty)
  }

  @Test func missingValuesOfSharpnessAreDashes() {
    let rows = Sharpness.Values.table([("none", Sharpness().values)])
    #expect(rows.count == 2 && rows[0].count == rows[1].count)
    #expect(rows[1] == ["none", "–", "–", "–", "0", "–", "–", "0", "–", "0", "–", "0"])
  }

  @Test func valuesOfSharpnessHaveTheirUnits() {
    let values = Sharpness.Values(
      effectiveResolution: 275.96, sharpness: 0.61234, contrast: 0.9996, amplitudes: [], cleanBackground: 0.9876,
      cleanReferences: 1, backgroundOffset: 1.5, meanColorOffset: 0.256,
      counts: Sharpness.Values.Counts(sharpness: 9, cleanBackground: 5, backgroundOffset: 4, meanColorOffset: 3))
    #expect(
      Sharpness.Values.table([("all", values)])[1] == [
        "all", "276.0", "0.612", "1.000", "9", "98.8", "100.0", "5", "1.50", "4", "0.26", "3",
      ])
  }
}
