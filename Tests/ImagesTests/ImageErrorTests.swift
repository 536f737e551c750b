import Testing

@testable import Images

/// Damaged beginnings of each format, and the sentence that each gives.
@Suite struct ImageErrorTests {
  private let image = Image(width: 8, height: 8, channels: .rgb, pixels: [UInt8](repeating: 99, count: 192))

  private func sentence(_ bytes: [UInt8]) -> String? {
    #expect(throws: ImageError.self) { try ImageFile.decode(bytes, file: "a file") }?.description
  }

  @Test func aJPEGSaysWhichPartOfItsHeaderIsDamaged() {
    let start = "a file is not a valid JPEG image: "
    let begin: [UInt8] = [0xff, 0xd8, 0xff]
    #expect(sentence(begin) == start + "it ends before its pixels: the file is truncated")
    #expect(sentence(begin + [0xe0, 0]) == start + "it ends before its pixels: the file is truncated")
    #expect(sentence(begin + [0xd9]) == start + "it ends without pixels")
    let length = start + "a segment of 1 bytes does not fit: the file is truncated or damaged"
    #expect(sentence(begin + [0xe0, 0, 1, 9, 9]) == length)
    let beyond = start + "a segment of 500 bytes does not fit: the file is truncated or damaged"
    #expect(sentence(begin + [0xe0, 1, 0xf4, 9]) == beyond)
    #expect(sentence(begin + [0xc0, 0, 5, 8, 0, 8, 9]) == start + "its frame header has 3 bytes")
    #expect(sentence(begin + [0xda, 0, 2]) == start + "it has pixels before their size")
  }

  /// A frame header and the start of a scan, without pixels.
  private func jpeg(width: Int, height: Int, components: UInt8) -> [UInt8] {
    let size = [UInt8(height >> 8), UInt8(height & 255), UInt8(width >> 8), UInt8(width & 255)]
    return [0xff, 0xd8, 0xff, 0xc0, 0, 8, 8] + size + [components, 0xff, 0xda, 0, 2]
  }

  @Test func aJPEGOfNoSizeOrOfOddComponentsIsRefused() {
    #expect(
      sentence(jpeg(width: 0, height: 5, components: 3))
        == "a file is not a valid JPEG image: its header claims 0×5 pixels")
    #expect(
      sentence(jpeg(width: 5, height: 5, components: 2))
        == "a file is an unsupported JPEG image: it has 2 components; 1, 3 or 4 are read")
    #expect(
      sentence(jpeg(width: 20_000, height: 5, components: 1))
        == "a file has 20000×5 pixels; the limit is 16384 pixels per side")
  }

  @Test func strayAndFillBytesBetweenSegmentsAreSkippedAsByOtherReaders() throws {
    var bytes = try JPEG.encode(image, quality: 90)
    bytes.insert(contentsOf: [0xff, 0xff, 0xff], at: 20)  // after JFIF, before the next marker
    #expect(try JPEG.decode(bytes) == JPEG.decode(JPEG.encode(image, quality: 90)))
    let size = try #require(ImageFile.size(bytes))
    #expect(size.width == 8 && size.height == 8)
  }

  @Test func aPNGSaysWhatLibpngSaysOrWhichChunkIsTooLong() throws {
    let bytes = try PNG.encode(image)
    let start = "a file is not a valid PNG image: "
    #expect(sentence(Array(bytes[..<8]))?.hasPrefix(start) == true)
    var wrongSum = bytes
    wrongSum[29] ^= 0xff  // of the header
    #expect(sentence(wrongSum)?.hasPrefix(start) == true)
    var long = bytes
    long[8] = 1  // the header's length is 16 million more
    #expect(sentence(long) == start + "its chunk IHDR claims 16777229 bytes, and \(bytes.count - 16) follow")
    var claims = bytes
    claims.replaceSubrange(16..<24, with: [0, 0, 0x30, 0, 0, 0, 0x30, 0])
    #expect(sentence(claims) != nil)
  }

  @Test func aPNGWhosePixelsAreDamagedIsRefused() throws {
    var bytes = try PNG.encode(image)
    let data = try #require(bytes.indices.first { bytes[$0...].starts(with: "IDAT".utf8) })
    bytes[data + 4] ^= 0xff  // the header of the compressed stream
    #expect(sentence(bytes)?.hasPrefix("a file is not a valid PNG image: ") == true)
  }

  @Test func aWebPSaysWhetherItIsTruncatedOrDamaged() throws {
    let bytes = try WebP.encode(image, quality: 80)
    let start = "a file is not a valid WebP image: "
    #expect(sentence(Array(bytes[..<16])) == start + "it ends within its header: the file is truncated")
    #expect(
      sentence(Array(bytes[..<(bytes.count - 5)]))?.hasPrefix(start) == true)
    var damaged = bytes
    damaged[23] ^= 0xff  // the start code of a key frame
    #expect(sentence(damaged) == start + "its header is damaged")
  }

  @Test func aSideThatWebPDoesNotAllowIsAnErrorOfWriting() {
    let wide = Image(width: 16_384, height: 1, channels: .rgb, pixels: [UInt8](repeating: 0, count: 3 * 16_384))
    let error = #expect(throws: ImageError.self) { try ImageFile.webp.encode(wide) }
    #expect(
      error?.description
        == "the image cannot be written as WebP: it is 16384×1 pixels, and 16383 a side are the most")
    #expect(throws: Never.self) { try WebP.encode(wide.cropped(left: 0, top: 0, width: 16_383, height: 1), quality: 1) }
  }

  @Test func aFileThatCannotBeReadIsNamedWithTheReason() {
    #expect(ImageError.unreadable(file: "x", reason: "it is a folder").description == "cannot read x: it is a folder")
  }
}
