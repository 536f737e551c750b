import Testing

@testable import Images

@Suite struct ImageTextTests {
  private let image = Image(width: 8, height: 8, channels: .rgb, pixels: [UInt8](repeating: 90, count: 192))

  @Test(arguments: ImageFile.allCases) func everyFormatCarriesBothTexts(_ format: ImageFile) throws {
    let parameters = "a red apple é 日本 🍎\nSteps: 20"
    let bytes = try format.encode(image, parameters: parameters) { "{\"width\":\($0.width),\"é\":\"日本\"}" }
    #expect(
      ImageFile.texts(in: bytes) == [
        .init(keyword: "parameters", text: parameters), .init(keyword: "flux", text: "{\"width\":8,\"é\":\"日本\"}"),
      ])
    #expect(try ImageFile.texts(in: format.encode(image)).isEmpty)
  }

  @Test(arguments: ImageFile.allCases) func theRecordIsOfThePixelsThatReadersGet(_ format: ImageFile) throws {
    let noise = Image(
      width: 16, height: 16, channels: .rgb, pixels: (0..<768).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761) })
    var seen: Image?
    let bytes = try format.encode(noise, parameters: "x", quality: 30) { pixels in
      seen = pixels
      return "{}"
    }
    #expect(try ImageFile.decode(bytes, file: "it") == seen)
    #expect((seen == noise) == (format == .png))
  }

  @Test func aJPEGThatIsFullHasNoRecord() throws {
    let longest = String(repeating: "a", count: JPEG.longestComment)
    let bytes = try ImageFile.jpeg.encode(image, parameters: longest) { _ in "{}" }
    #expect(ImageFile.texts(in: bytes) == [.init(keyword: "parameters", text: longest)])
  }

  /// A comment of a little-endian block, in either byte order of its text, which programs confuse.
  @Test(arguments: [false, true]) func commentsAreReadInEitherByteOrder(_ isLittleText: Bool) {
    func little(_ value: Int, _ size: Int) -> [UInt8] {
      (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    let text = "a cat".utf16.flatMap {
      isLittleText ? [UInt8($0 & 255), UInt8($0 >> 8)] : [UInt8($0 >> 8), UInt8($0 & 255)]
    }
    let comment = Array("UNICODE\0".utf8) + text
    let block =
      Array("II".utf8) + little(42, 2) + little(8, 4)
      + little(1, 2) + little(0x8769, 2) + little(4, 2) + little(1, 4) + little(26, 4) + little(0, 4)
      + little(1, 2) + little(0x9286, 2) + little(7, 2) + little(comment.count, 4) + little(44, 4) + little(0, 4)
      + comment
    #expect(EXIFFields(block[...]).comment == "a cat")
    #expect(EXIFFields((Array("Exif\0\0".utf8) + block)[...]).comment == "a cat")
  }

  @Test func aDamagedBlockHasNoText() {
    let block = EXIF.block(comment: "a cat", note: "{}")
    for count in 0..<block.count { _ = EXIFFields(block[..<count]).comment }
    #expect(EXIFFields(block[..<20]).comment == nil)
    for place in block.indices {
      var damaged = block
      damaged[place] = 0xff
      _ = EXIFFields(damaged[...]).comment
    }
  }
}
