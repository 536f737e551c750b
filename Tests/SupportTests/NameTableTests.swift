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
}
