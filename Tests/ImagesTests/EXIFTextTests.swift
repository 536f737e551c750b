import Testing

@testable import Images

@Suite struct EXIFTextTests {
  private let image = Image(
    width: 16, height: 8, channels: .rgb, pixels: (0..<3 * 16 * 8).map { UInt8($0 * 5 % 251) })

  @Test func aBlockIsATIFFWhoseSecondDirectoryHoldsTheComment() {
    let block = EXIF.block(comment: "aé🍎")
    #expect(Array(block[..<8]) == [0x4d, 0x4d, 0, 42, 0, 0, 0, 8])
    // One entry of type LONG that leads to byte 26, and no directory after it.
    #expect(Array(block[8..<26]) == [0, 1, 0x87, 0x69, 0, 4, 0, 0, 0, 1, 0, 0, 0, 26, 0, 0, 0, 0])
    // One entry of undefined bytes: 8 for the character set, then 2 for each UTF-16 unit.
    #expect(Array(block[26..<44]) == [0, 1, 0x92, 0x86, 0, 7, 0, 0, 0, 16, 0, 0, 0, 44, 0, 0, 0, 0])
    #expect(Array(block[44...]) == Array("UNICODE\0".utf8) + [0, 0x61, 0, 0xe9, 0xd8, 0x3c, 0xdf, 0x4e])
    #expect(EXIF.orientation(block[...]) == .upright)
  }

  @Test func aJPEGKeepsItsPixelsAndItsFirstSegment() throws {
    let bytes = try JPEG.encode(image, quality: 90)
    let with = try JPEG.adding(comment: "a red apple", to: bytes)
    #expect(try JPEG.decode(with) == JPEG.decode(bytes))
    #expect(bytes[3] == 0xe0 && Array(with[..<20]) == Array(bytes[..<20]), "JFIF comes first")
    #expect(Array(with[20..<22]) == [0xff, 0xe1])
    let length = Int(with[22]) << 8 | Int(with[23])
    #expect(with.count == bytes.count + 2 + length && Array(with[(22 + length)...]) == Array(bytes[20...]))
  }

  @Test func aJPEGWithoutJFIFGetsItsCommentAfterTheStart() throws {
    let bytes = try JPEG.encode(image, quality: 90)
    let bare = Array(bytes[..<2] + bytes[20...])  // without the segment of 16 bytes and its marker
    let with = try JPEG.adding(comment: "x", to: bare)
    #expect(Array(with[..<4]) == [0xff, 0xd8, 0xff, 0xe1])
    #expect(try JPEG.decode(with) == JPEG.decode(bytes))
  }

  @Test func theLongestCommentFillsASegment() throws {
    let bytes = try JPEG.encode(image, quality: 50)
    let longest = String(repeating: "🍎", count: JPEG.longestComment / 2)
    let with = try JPEG.adding(comment: longest, to: bytes)
    #expect((65_532...65_535).contains(Int(with[22]) << 8 | Int(with[23])))
    let error = #expect(throws: ImageError.self) { try JPEG.adding(comment: longest + "ab", to: bytes) }
    #expect(error?.description.hasSuffix("and \(JPEG.longestComment) fit; PNG has no such limit") == true)
  }

  @Test(arguments: ["", "a", "ab"]) func aWebPWithACommentKeepsItsPixels(_ comment: String) throws {
    let bytes = try WebP.encode(image, quality: 90)
    let with = WebP.adding(comment: comment, to: bytes, width: 16, height: 8)
    #expect(with.count % 2 == 0, "chunks are padded")
    #expect(try WebP.decode(with) == WebP.decode(bytes))
    #expect(WebP.orientation(with) == .upright)
    let size = try #require(ImageFile.size(with))
    #expect(size.width == 16 && size.height == 8)
  }
}
