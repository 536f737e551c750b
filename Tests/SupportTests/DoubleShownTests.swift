import Support
import Testing

@Suite struct DoubleShownTests {
  /// However the NaN came about: its sign and payload differ from one to the next.
  @Test(arguments: [Double.nan, -Double.nan, Double(nan: 0x1234, signaling: false), .infinity - .infinity])
  func aNaNIsJustThat(_ value: Double) {
    #expect(value.shown == "NaN")
  }

  @Test func otherNumbersAreThemselves() {
    #expect([Double.infinity, -.infinity, 0.5, -3].map(\.shown) == ["infinity", "-infinity", "0.5", "-3.0"])
  }
}
