import Testing

@testable import Support

@Suite struct PaxRecordsTests {
  /// A record with the length that it must have.
  private func record(_ key: String, _ value: [UInt8]) -> [UInt8] {
    let body = Array(" \(key)=".utf8) + value + [10]
    var length = body.count + 1
    while String(length).utf8.count + body.count != length { length += 1 }
    return Array(String(length).utf8) + body
  }

  private func records(_ bytes: [UInt8]) -> PaxRecords? {
    var records = PaxRecords()
    return records.note(bytes, of: .pax) ? records : nil
  }

  @Test func pathAndSizeAreTakenAndOtherKeysLeft() throws {
    let bytes =
      record("mtime", Array("1.5".utf8)) + record("path", Array("a/b".utf8)) + record("size", Array("12".utf8))
    let found = try #require(records(bytes))
    #expect(found.path == "a/b" && found.size == 12)
    let none = try #require(records(record("comment", [])))
    #expect(none.path == nil && none.size == nil)
  }

  @Test func theLastOfTwoRecordsCounts() {
    #expect(records(record("path", [0x61]) + record("path", [0x62]))?.path == "b")
  }

  @Test func aPathMayHoldLineEndsEqualSignsAndAnyBytes() {
    for value in ["a\nb", "a=b", "12 path=x"] {
      #expect(records(record("path", Array(value.utf8)))?.path == ByteString(value))
    }
    #expect(records(record("path", [0xff, 0x2f, 0xfe]))?.path == ByteString([0xff, 0x2f, 0xfe]))
    let long = [UInt8](repeating: 0x78, count: 5000)
    #expect(records(record("path", long))?.path == ByteString(long))
  }

  @Test func zerosEndTheRecords() {
    #expect(records(record("path", [0x61]) + [0, 0, 0])?.path == "a")
    #expect(records([]) != nil)
  }

  @Test(arguments: [
    "8 path=b\n", "11 path=b\n", "x path=b\n", "10path=bb\n", "10 path=bbb", "10 pathbb\n", "3 \n", "0 path=b\n",
    "10 size=x\n", "11 size=-1\n", "29 size=99999999999999999999\n", "99999999999999999999 path=b\n",
  ])
  func damagedRecordsAreRefused(_ text: String) { #expect(records(Array(text.utf8)) == nil) }

  @Test func aLongNameEndsAtItsZero() {
    var found = PaxRecords()
    #expect(found.note(Array("name\0rest".utf8), of: .longName) && found.path == "name")
    #expect(found.note([1, 2, 3], of: .ignored) && found.path == "name")
  }
}
