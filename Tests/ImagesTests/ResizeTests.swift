import Images
import Testing

@Suite struct ResizeTests {
  @Test func resizedImagesAreThoseOfPillow() throws {
    let golden = try ImageGolden()
    let keys = golden.keys(under: "resized/")
    #expect(keys.count == 4 * 11)
    for key in keys {
      let parts = key.split(separator: "/").map(String.init)  // mode, filter, size
      let filter = try #require(ResizeFilter(rawValue: parts[1]))
      let expected = try golden.image("resized/\(key)")
      let image = try golden.image("source/\(parts[0])")
        .resized(width: expected.width, height: expected.height, filter: filter)
      expectClose(image, expected, tolerance: 0, key)
    }
  }

  @Test(arguments: ResizeFilter.allCases)
  func oneColorStaysOneColor(_ filter: ResizeFilter) {
    let plain = Image(width: 20, height: 11, channels: .rgb, pixels: (0..<220).flatMap { _ in [7, 200, 255] })
    for (width, height) in [(3, 2), (47, 29), (20, 40)] {
      let resized = plain.resized(width: width, height: height, filter: filter)
      #expect(resized.pixels == (0..<width * height).flatMap { _ in [7, 200, 255] })
    }
  }

  @Test func whatIsTransparentDoesNotBleed() {
    let half = Image(
      width: 8, height: 1, channels: .rgba,
      pixels: (0..<8).flatMap { x -> [UInt8] in x < 4 ? [255, 0, 0, 255] : [0, 255, 0, 0] })
    let small = half.resized(width: 3, height: 1, filter: .bilinear)
    #expect(small.pixels[4] == 255 && small.pixels[5] == 0, "red stays red where it fades")
  }
}
