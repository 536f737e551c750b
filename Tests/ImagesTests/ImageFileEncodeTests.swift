import Images
import Testing

@Suite struct ImageFileEncodeTests {
  private let image: Image

  init() {
    var pixels: [UInt8] = []
    for y in 0..<20 {
      for x in 0..<33 { pixels += [UInt8(7 * x), UInt8(12 * y), 90] }
    }
    image = Image(width: 33, height: 20, channels: .rgb, pixels: pixels)
  }

  @Test(arguments: ImageFile.allCases, [nil, "a red apple\nSteps: 20", "Äpfelchen 🍎 苹果"])
  func filesOfEveryFormatAreReadBack(_ format: ImageFile, _ text: String?) throws {
    let bytes = try format.encode(image, parameters: text)
    #expect(ImageFile(bytes) == format)
    let again = try ImageFile.decode(bytes, file: "x")
    #expect(again.width == 33 && again.height == 20 && again.channels == .rgb)
    let worst = zip(image.pixels, again.pixels).map { abs(Int($0) - Int($1)) }.max() ?? 255
    #expect(worst <= (format == .png ? 0 : 60), "\(worst)")
  }

  /// The comment that Pillow finds as `getexif().get_ifd(0x8769)[0x9286]`: "UNICODE", a zero, UTF-16.
  private func comment(_ bytes: [UInt8]) throws -> String {
    let mark = Array("UNICODE\0".utf8)
    let start = try #require(bytes.indices.first { bytes[$0...].starts(with: mark) }) + mark.count
    // The TIFF structure begins 44 bytes before the comment; the comment's length stands in its second directory.
    let tiff = start - mark.count - 44
    #expect(bytes[tiff..<tiff + 4] == [0x4d, 0x4d, 0, 42])
    #expect(bytes[tiff + 10..<tiff + 12] == [0x87, 0x69] && bytes[tiff + 28..<tiff + 30] == [0x92, 0x86])
    let length = bytes[tiff + 32..<tiff + 36].reduce(0) { $0 << 8 | Int($1) } - mark.count
    let units = stride(from: start, to: start + length, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
    return String(decoding: units, as: UTF16.self)
  }

  @Test(arguments: [ImageFile.jpeg, .webp], ["a red apple", "Äpfelchen 🍎 苹果, odd"])
  func theTextIsAUserCommentInUTF16(_ format: ImageFile, _ text: String) throws {
    #expect(try comment(format.encode(image, parameters: text)) == text)
  }

  @Test func theExtendedWebPSaysItsSizeAndThatItHasEXIF() throws {
    let bytes = try ImageFile.webp.encode(image, parameters: "odd")
    #expect(Array(bytes[12..<16]) == Array("VP8X".utf8) && bytes[20] == 0x08)
    #expect(Array(bytes[24..<30]) == [32, 0, 0, 19, 0, 0])
    #expect(bytes[4..<8].reversed().reduce(0) { $0 << 8 | Int($1) } == bytes.count - 8)
  }

  @Test func textThatDoesNotFitAJPEGIsAnError() throws {
    let longest = try #require(ImageFile.jpeg.longestParameters)
    let fits = String(repeating: "a", count: longest)
    #expect(try comment(ImageFile.jpeg.encode(image, parameters: fits)) == fits)
    #expect(throws: ImageError.self) { try ImageFile.jpeg.encode(image, parameters: fits + "a") }
    #expect(try comment(ImageFile.webp.encode(image, parameters: fits + "a")) == fits + "a")
  }

  @Test func lowerQualityIsSmaller() throws {
    for format in [ImageFile.jpeg, .webp] {
      #expect(try format.encode(image, quality: 20).count < format.encode(image, quality: 95).count)
    }
  }

  @Test(arguments: [ImageFile.jpeg, .webp]) func higherQualityIsNearerToTheImage(_ format: ImageFile) throws {
    let errors = try [1, 30, 60, 90, 100].map { quality in
      let again = try ImageFile.decode(format.encode(image, quality: quality), file: "x")
      return zip(image.pixels, again.pixels).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }
    }
    #expect(errors == errors.sorted(by: >), "\(errors)")
    #expect(errors[0] > 2 * errors[4])
  }

  @Test func theFormatIsAskedForByTheEndingInAnyCase() {
    #expect(ImageFile(ending: "PNG") == .png && ImageFile(ending: "webp") == .webp)
    #expect(ImageFile(ending: "jpg") == .jpeg && ImageFile(ending: "JpEg") == .jpeg)
    for other in ["", "gif", ".png", "png "] { #expect(ImageFile(ending: other) == nil, "\(other)") }
    for format in ImageFile.allCases {
      #expect(ImageFile(ending: format.ending) == format && ImageFile.extensions.contains(format.ending))
    }
  }

  @Test func aPNGKeepsTransparencyAndGrayWithItsText() throws {
    for channels in [Image.Channels.gray, .rgba] {
      let small = Image(
        width: 2, height: 3, channels: channels, pixels: (0..<6 * channels.rawValue).map { UInt8($0 * 10) })
      let bytes = try ImageFile.png.encode(small, parameters: "a red apple")
      #expect(try PNG.decode(bytes) == small)
      #expect(PNGText.read(bytes) == [PNGText.Entry(keyword: "parameters", text: "a red apple")])
    }
  }

  @Test func theFastEffortHasTheSamePixels() throws {
    let bytes = try PNG.encode(image, text: [.init(keyword: "k", text: "t")], effort: .fast)
    #expect(try PNG.decode(bytes) == image && PNGText.read(bytes).count == 1)
  }
}
