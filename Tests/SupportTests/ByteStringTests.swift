import Support
import Testing

@Suite struct ByteStringTests {
  private let composed: ByteString = "caf\u{e9}"
  private let decomposed: ByteString = "cafe\u{301}"

  @Test func namesAreEqualOnlyWhereAllBytesAre() {
    #expect(composed.description == decomposed.description)  // as Swift's String says
    #expect(composed != decomposed && Set([composed, decomposed]).count == 2)
    #expect(ByteString([0x61, 0xff]) != ByteString([0x61, 0xfe]))
    #expect(!ByteString([0x61, 0xff]).isUTF8)
    #expect(decomposed < composed)
  }

  @Test func anotherFormIsFoundWhereItIsTheOnlyOne() {
    var index = NameIndex<Int>()
    index[exactly: decomposed] = 1
    #expect(index.resolve(composed) == decomposed)
    #expect(index.resolve(composed, taken: { $0 == decomposed }) == nil)
    index[exactly: composed] = 2
    #expect(index.resolve(composed) == composed && index.resolve(decomposed) == decomposed)
    #expect(index.resolve("cafe") == nil)
  }

  @Test func whereTwoOtherFormsAreThereNoneIsMeant() {
    // Two marks in either order, and the precomposed letter with one of them.
    var index = NameIndex<Int>()
    index[exactly: "a\u{323}\u{302}"] = 1
    index[exactly: "\u{1ea1}\u{302}"] = 2
    #expect(index.resolve("\u{1ead}") == nil)
  }
}
