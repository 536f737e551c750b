import Images
import Testing

@Suite struct ImageFileTests {
  private let golden: PictureGolden

  init() throws { golden = try PictureGolden() }

  @Test func everyKindOfFileHasThePixelsThatPillowReads() throws {
    #expect(golden.names.count == 51)
    for name in golden.names {
      let image = try ImageFile.decode(golden.bytes(name), file: name)
      // Inverse transforms and the upsampling of colours may differ between versions of the libraries.
      let tolerance = name.hasPrefix("jpeg") || name.hasPrefix("webp-lossy") ? 2 : 0
      expectClose(image, try golden.image("pixels/\(name)"), tolerance: tolerance, name)
    }
  }

  @Test func allEightOrientationsShowOnePictureEachInItsOwnWay() throws {
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
    }
  }

  @Test(arguments: ["jpeg-420", "jpeg-progressive", "jpeg-cmyk", "png-rgb", "webp-lossy", "webp-lossless-alpha"])
  func everyTruncationIsRefused(_ name: String) throws {
    let whole = try golden.bytes(name)
    // A PNG is read without the checksum and the chunk at its end.
    let needed = name.hasPrefix("png") ? whole.count - 24 : whole.count
    for count in 0..<needed {
      #expect(throws: RasterError.self, "\(count) of \(whole.count) bytes") {
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
      #expect(throws: RasterError.self) { try ImageFile.decode(bytes, file: "a.jpg") }?.description
    }
    let start = "a.jpg is no picture that Flux reads (JPEG, PNG, WebP): it begins with "
    #expect(sentence(Array("GIF89a…".utf8)) == start + "\"GIF89a\"")
    #expect(sentence([0, 1, 0x2a]) == start + "the bytes 00 01 2a")
    #expect(sentence([]) == start + "nothing: it is empty")
  }

  @Test func animationsAreRefused() {
    let extended: [UInt8] = [10, 0, 0, 0, 0x02, 0, 0, 0, 4, 0, 0, 4, 0, 0]  // size of the chunk, flags, 5×5
    let bytes =
      Array("RIFF".utf8) + [30, 0, 0, 0] + Array("WEBPVP8X".utf8) + extended + Array("ANIM".utf8) + [0, 0, 0, 0]
    let error = #expect(throws: RasterError.self) { try ImageFile.decode(bytes, file: "x.webp") }
    #expect(error?.description.hasSuffix("it is animated; only still pictures are read") == true)
  }

  @Test func filesThatClaimAHugePictureAreRefusedBeforeMemoryIsTaken() throws {
    var jpeg = try golden.bytes("jpeg-444")
    let frame = try #require(jpeg.indices.first { jpeg[$0] == 0xff && jpeg[$0 + 1] == 0xc0 })
    jpeg.replaceSubrange(frame + 5..<frame + 9, with: [0x40, 0, 0x40, 0])  // 16,384 × 16,384
    let lying = #expect(throws: RasterError.self) { try ImageFile.decode(jpeg, file: "x.jpg") }
    #expect(lying?.description.contains("cannot hold the 16384×16384 pixels") == true)
    jpeg.replaceSubrange(frame + 5..<frame + 7, with: [0x60, 0])
    #expect(throws: RasterError.tooLarge(file: "x.jpg", width: 16384, height: 24576, limit: 16384)) {
      try ImageFile.decode(jpeg, file: "x.jpg")
    }
  }
}
