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

  @Test func namesAreSortedByTheirBytesAndJoined() {
    let names: [ByteString] = ["b", "a", "", "ab", "Z"]
    #expect(names.sorted().map(\.description) == ["", "Z", "a", "ab", "b"])
    #expect(ByteString("a/") + ByteString([0xff]) == ByteString([0x61, 0x2f, 0xff]))
    #expect(ByteString([0x61, 0xff]).description == "a\u{FFFD}")
  }

  @Test func anIndexForgetsWhatIsTakenOutOfIt() {
    var index = NameIndex<Int>()
    (index[exactly: "b"], index[exactly: decomposed]) = (1, 2)
    #expect(index.names == ["b", decomposed])
    index[exactly: decomposed] = nil
    #expect(index.resolve(composed) == nil && index[exactly: decomposed] == nil && index.names == ["b"])
    index[exactly: ByteString([0xff])] = 3
    #expect(index.resolve(ByteString([0xff])) == ByteString([0xff]), "bytes that are no text are found, too")
    #expect(index.resolve(ByteString([0xfe])) == nil)
  }
}
