import Support
import Testing

@Suite struct NameTableTests {
  private let table = NameTable([("dpmpp_2m", 1), ("euler", 2), ("Euler a", 3)])

  @Test(arguments: [("DPM++ 2M", 1), ("dpmpp-2m", 1), ("EULER", 2), ("euler_A", 3)])
  func caseAndPunctuationDoNotMatter(_ name: String, _ value: Int) {
    guard case .found(value) = table.lookUp(name) else {
      Issue.record("\(name) was not found")
      return
    }
  }

  @Test func aNameThatIsHalfAnotherIsNotSuggested() {
    #expect(NameTable([("ddpm", 1), ("dpmpp", 2)]).nearest(to: "DPM2") == nil)
  }

  @Test func aNearNameIsSuggested() {
    #expect(table.nearest(to: "eulr") == 2)
    #expect(table.nearest(to: "elur") == nil && table.nearest(to: "eulre") == 2)
    #expect(table.nearest(to: "something else") == nil)
  }

  @Test(arguments: [
    ("DPM++ 2M", "dpmpp2m"), ("a_b-c d", "abcd"), ("Ä1", "ä1"), ("", ""), ("+++", "pp+"), ("++++", "pppp"),
  ])
  func aKeyHasLettersDigitsAndTwoPlusesAsPP(_ name: String, _ key: String) {
    #expect(NameTable<Int>.key(name) == key)
  }

  /// One slip, and one more for every four letters.
  @Test func longNamesMayHaveMoreSlips() {
    let names = NameTable([("abcdefgh", 1)])
    #expect(names.nearest(to: "abcdefxx") == 1 && names.nearest(to: "abcdexxx") == nil)
    #expect(names.nearest(to: "abdcefhg") == 1, "two exchanges are two slips")
    #expect(NameTable([("ab", 1)]).nearest(to: "xb") == 1 && NameTable([("ab", 1)]).nearest(to: "xy") == nil)
  }

  @Test func ofEquallyNearNamesTheFirstIsMeantAndAnExactOneWins() {
    let names = NameTable([("cat", 1), ("car", 2), ("cart", 3)])
    #expect(names.nearest(to: "caz") == 1 && names.nearest(to: "car") == 2 && names.nearest(to: "CART") == 3)
    #expect(NameTable<Int>([]).nearest(to: "cat") == nil)
  }
}
