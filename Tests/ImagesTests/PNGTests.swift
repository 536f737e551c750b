import Images
import Testing

@Suite struct PNGTests {
  private func image(_ channels: Image.Channels) -> Image {
    let count = 7 * 5 * channels.rawValue
    return Image(width: 7, height: 5, channels: channels, pixels: (0..<count).map { UInt8($0 * 37 % 256) })
  }

  @Test(arguments: [Image.Channels.gray, .rgb, .rgba])
  func imagesComeBackAsTheyWere(_ channels: Image.Channels) throws {
    let image = image(channels)
    #expect(try PNG.decode(PNG.encode(image)) == image)
  }

  @Test(arguments: ["a red apple", "café: 50 % \"quoted\"", "ein Äpfelchen 🍎", "two\nlines", ""])
  func textComesBackAsItWas(_ text: String) throws {
    let entry = PNGText.Entry(keyword: "parameters", text: text)
    let bytes = try PNG.encode(image(.rgb), text: [entry])
    #expect(PNGText.read(bytes) == [entry])
    #expect(try PNG.decode(bytes) == image(.rgb))
  }

  @Test func latin1TextIsATextChunkAndOtherTextAnInternationalOne() throws {
    func chunks(_ text: String) throws -> String {
      String(decoding: try PNG.encode(image(.gray), text: [.init(keyword: "k", text: text)]), as: Unicode.ASCII.self)
    }
    #expect(try chunks("café").contains("tEXt"))
    #expect(try chunks("🍎").contains("iTXt"))
  }

  @Test func damagedFilesAreNamed() throws {
    let bytes = try PNG.encode(image(.rgb))
    for cut in [0, 8, 20, bytes.count / 2] {
      let error = #expect(throws: ImageError.self) { try PNG.decode(Array(bytes[..<cut]), file: "x.png") }
      #expect(error?.description.contains("x.png") == true)
    }
  }

  @Test func aFileThatClaimsAHugeImageIsRefusedBeforeMemoryIsTaken() throws {
    var bytes = try PNG.encode(image(.rgb))
    bytes.replaceSubrange(16..<20, with: [0, 1, 0, 0])  // width 65536, with a checksum that no longer fits
    #expect(throws: ImageError.self) { try PNG.decode(bytes) }
  }

  /// libpng would clear 2 GB before it finds that they are not there.
  @Test func aChunkThatClaimsMoreThanFollowsIsRefusedBeforeMemoryIsTaken() throws {
    var bytes = try PNG.encode(image(.gray), text: [.init(keyword: "k", text: "a red apple")])
    bytes.replaceSubrange(33..<37, with: [0x78, 0x9c, 0, 0x16])  // the text's length
    let error = #expect(throws: ImageError.self) { try PNG.decode(bytes, file: "x.png") }
    #expect(
      error?.description.hasSuffix("its chunk tEXt claims 2023489558 bytes, and \(bytes.count - 41) follow") == true)
  }

  @Test func whatFollowsThePixelsIsNotLookedAt() throws {
    let bytes = try PNG.encode(image(.gray))
    #expect(try PNG.decode(bytes + [0x7f, 0xff, 0xff, 0xff] + Array("tEXt".utf8)) == image(.gray))
  }

  @Test func aZeroNeverEntersATextChunk() throws {
    for text in ["a\0b", "🍎\0"] {
      let bytes = try PNG.encode(image(.gray), text: [.init(keyword: "k", text: text)])
      #expect(PNGText.read(bytes).first?.text == text.replacing("\0", with: "\u{FFFD}"))
    }
  }

  /// As animated WebP files are, too: a part of what people gave is not what they gave.
  @Test func animatedImagesAreRefused() throws {
    var bytes = try PNG.encode(image(.rgb))
    let control: [UInt8] = [0, 0, 0, 8] + Array("acTL".utf8) + [0, 0, 0, 2, 0, 0, 0, 0] + [0, 0, 0, 0]
    bytes.insert(contentsOf: control, at: 33)
    let error = #expect(throws: ImageError.self) { try PNG.decode(bytes, file: "x.png") }
    #expect(error?.description.hasSuffix("it is animated; only still images are read") == true)
  }
}
