import Images
import Testing

@Suite struct ImageFileTests {
  private let golden: ImageGolden

  init() throws { golden = try ImageGolden() }

  @Test func everyKindOfFileHasThePixelsThatPillowReads() throws {
    #expect(golden.names.count == 51)
    for name in golden.names {
      let image = try ImageFile.decode(golden.bytes(name), file: name)
      // Inverse transforms and the upsampling of colors may differ between versions of the libraries.
      let tolerance = name.hasPrefix("jpeg") || name.hasPrefix("webp-lossy") ? 2 : 0
      expectClose(image, try golden.image("pixels/\(name)"), tolerance: tolerance, name)
    }
  }

  @Test func allEightOrientationsShowOneImageEachInItsOwnWay() throws {
    let upright = try PNG.decode(golden.bytes("png-orientation-1"))
    #expect(upright.width == 13 && upright.height == 9)
    for orientation in Orientation.allCases {
      let stored = try golden.bytes("png-orientation-\(orientation.rawValue)")
      #expect(PNG.orientation(stored) == orientation)
      #expect(try PNG.decode(stored) == upright)
      let turned = try ImageFile.decode(stored, file: "x.png")
      #expect(turned.width == (orientation.exchangesSides ? 9 : 13))
      #expect(JPEG.orientation(try golden.bytes("jpeg-orientation-\(orientation.rawValue)")) == orientation)
      #expect(WebP.orientation(try golden.bytes("webp-orientation-\(orientation.rawValue)")) == orientation)
      for kind in ["png", "jpeg", "webp"] {
        let size = ImageFile.uprightSize(try golden.bytes("\(kind)-orientation-\(orientation.rawValue)"))
        let sides = [size?.width, size?.height]
        #expect(sides == (orientation.exchangesSides ? [9, 13] : [13, 9]), "\(kind) \(orientation)")
      }
    }
    #expect(ImageFile.uprightSize([1, 2, 3]) == nil)
  }

  @Test(arguments: ["jpeg-420", "jpeg-progressive", "jpeg-cmyk", "png-rgb", "webp-lossy", "webp-lossless-alpha"])
  func everyTruncationIsRefused(_ name: String) throws {
    let whole = try golden.bytes(name)
    // A PNG is read without the checksum and the chunk at its end.
    let needed = name.hasPrefix("png") ? whole.count - 24 : whole.count
    for count in 0..<needed {
      #expect(throws: ImageError.self, "\(count) of \(whole.count) bytes") {
        try ImageFile.decode(Array(whole[..<count]), file: "x")
      }
    }
  }

  @Test(arguments: ["jpeg-422", "jpeg-orientation-6", "png-palette-alpha", "png-interlaced", "webp-lossy-alpha"])
  func damagedFilesDecodeOrThrow(_ name: String) throws {
    let whole = try golden.bytes(name)
    for place in whole.indices {
      for value: UInt8 in [0, 0x7f, 0xff] where value != whole[place] {
        var bytes = whole
        bytes[place] = value
        _ = try? ImageFile.decode(bytes, file: "x")
      }
    }
  }

  @Test func otherFormatsAreNamedByWhatTheyBeginWith() {
    func sentence(_ bytes: [UInt8]) -> String? {
      #expect(throws: ImageError.self) { try ImageFile.decode(bytes, file: "a.jpg") }?.description
    }
    let start = "a.jpg is not a supported image (JPEG, PNG, WebP): it begins with "
    #expect(sentence(Array("GIF89a…".utf8)) == start + "\"GIF89a\"")
    #expect(sentence([0, 1, 0x2a]) == start + "the bytes 00 01 2a")
    #expect(sentence([]) == start + "nothing: it is empty")
  }

  @Test func animationsAreRefused() {
    let extended: [UInt8] = [10, 0, 0, 0, 0x02, 0, 0, 0, 4, 0, 0, 4, 0, 0]  // size of the chunk, flags, 5×5
    let bytes =
      Array("RIFF".utf8) + [30, 0, 0, 0] + Array("WEBPVP8X".utf8) + extended + Array("ANIM".utf8) + [0, 0, 0, 0]
    let error = #expect(throws: ImageError.self) { try ImageFile.decode(bytes, file: "x.webp") }
    #expect(error?.description.hasSuffix("it is animated; only still images are read") == true)
  }

  @Test func filesThatClaimAHugeImageAreRefusedBeforeMemoryIsTaken() throws {
    var jpeg = try golden.bytes("jpeg-444")
    let frame = try #require(jpeg.indices.first { jpeg[$0] == 0xff && jpeg[$0 + 1] == 0xc0 })
    jpeg.replaceSubrange(frame + 5..<frame + 9, with: [0x30, 0, 0x38, 0])  // 14,336 × 12,288
    let lying = #expect(throws: ImageError.self) { try ImageFile.decode(jpeg, file: "x.jpg") }
    #expect(lying?.description.contains("cannot hold the 14336×12288 pixels") == true)
    jpeg.replaceSubrange(frame + 5..<frame + 7, with: [0x60, 0])
    #expect(throws: ImageError.tooLarge(file: "x.jpg", width: 14336, height: 24576, limit: 16384)) {
      try ImageFile.decode(jpeg, file: "x.jpg")
    }
  }

  /// Of each format a file that claims 16,000 × 16,000 pixels: less than the longest side, more than all pixels.
  @Test(arguments: ["jpeg-444", "png-rgb", "webp-lossy"]) func tooManyPixelsAreRefused(_ name: String) throws {
    var bytes = try golden.bytes(name)
    switch try #require(ImageFile(bytes)) {
    case .jpeg:
      let frame = try #require(bytes.indices.first { bytes[$0] == 0xff && bytes[$0 + 1] == 0xc0 })
      bytes.replaceSubrange(frame + 5..<frame + 9, with: [0x3e, 0x80, 0x3e, 0x80])
    case .png:
      bytes.replaceSubrange(16..<24, with: [0, 0, 0x3e, 0x80, 0, 0, 0x3e, 0x80])
      bytes.replaceSubrange(29..<33, with: PNGCheck.sum(bytes[12..<29]))
    case .webp: bytes.replaceSubrange(26..<30, with: [0x80, 0x3e, 0x80, 0x3e])
    }
    let size = try #require(ImageFile.size(bytes))
    #expect(size.width == 16_000 && size.height == 16_000)
    let error = #expect(throws: ImageError.self) { try ImageFile.decode(bytes, file: "x") }
    #expect(
      error?.description == "x has 16000×16000 pixels, 256000000 in total; the limit is 178956970 in total")
  }

  @Test func theSizeIsReadFromTheBeginningOfAFile() throws {
    for name in golden.names where !name.contains("orientation") {
      let bytes = try golden.bytes(name)
      let image = try ImageFile.decode(bytes, file: name)
      let size = ImageFile.size(bytes)
      #expect(size?.width == image.width && size?.height == image.height, "\(name)")
      _ = ImageFile.size(Array(bytes.prefix(20)))
    }
  }

  @Test func aSideThatPNGDoesNotAllowIsNoSize() throws {
    var bytes = try PNG.encode(Image(width: 1, height: 1, channels: .gray, pixels: [0]))
    bytes.replaceSubrange(16..<24, with: [0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff])
    let size = try #require(ImageFile.size(bytes))
    #expect(size.width * size.height > 1 << 61, "the product fits into 64 bits")
    bytes[20] = 0x80
    #expect(ImageFile.size(bytes) == nil)
  }
}

/// The checksum of a PNG's chunk (CRC-32 of type and data).
private enum PNGCheck {
  static func sum(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    var sum = ~UInt32(0)
    for byte in bytes {
      sum ^= UInt32(byte)
      for _ in 0..<8 { sum = sum & 1 == 1 ? 0xedb8_8320 ^ (sum >> 1) : sum >> 1 }
    }
    return withUnsafeBytes(of: (~sum).bigEndian) { Array($0) }
  }
}
