import Images
import Testing

@Suite struct JPEGEncodeTests {
  @Test func whatIsEncodedIsDecodedNearlyAlike() throws {
    let side = 40
    let pixels: [UInt8] = (0..<3 * side * side).map { index in
      [UInt8(index / 3 % side * 6), UInt8(index / 3 / side * 6), 90][index % 3]
    }
    let image = Image(width: side, height: side, channels: .rgb, pixels: pixels)
    let bytes = try JPEG.encode(image, quality: 90)
    #expect(ImageFile(bytes) == .jpeg)
    let again = try JPEG.decode(bytes)
    #expect(again.width == side && again.height == side && again.channels == .rgb)
    #expect(zip(pixels, again.pixels).allSatisfy { abs(Int($0) - Int($1)) < 16 })
    #expect(try JPEG.encode(image, quality: 30).count < bytes.count)
  }
}
