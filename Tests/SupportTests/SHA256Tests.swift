import Support
import Testing

@Suite struct SHA256Tests {
  /// The examples of FIPS 180-4, and the empty message.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ])
  func knownDigests(_ message: String, _ digest: String) { #expect(SHA256.hexDigest(Array(message.utf8)) == digest) }

  @Test func piecesAddUp() {
    let message = (0..<1000).map { UInt8(truncatingIfNeeded: $0 * 7) }
    for cut in [0, 1, 55, 56, 63, 64, 65, 128, 999] {
      var hash = SHA256()
      message[..<cut].withUnsafeBytes { hash.update($0) }
      message[cut...].withUnsafeBytes { hash.update($0) }
      #expect(hash.hexDigest() == SHA256.hexDigest(message), "cut at \(cut)")
    }
  }

  /// A million letters, as in the examples of FIPS 180.
  @Test func aLongMessageHasItsKnownDigest() {
    #expect(
      SHA256.hexDigest([UInt8](repeating: 0x61, count: 1_000_000))
        == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  @Test func aDigestMayBeTakenOnTheWay() {
    var hash = SHA256()
    Array("a".utf8).withUnsafeBytes { hash.update($0) }
    #expect(hash.hexDigest() == SHA256.hexDigest(Array("a".utf8)))
    Array("bc".utf8).withUnsafeBytes { hash.update($0) }
    #expect(hash.hexDigest() == SHA256.hexDigest(Array("abc".utf8)))
  }
}
