import Images
import Testing

@Suite struct ImageTests {
  private let letters = Image(width: 3, height: 2, channels: .gray, pixels: Array("abcdef".utf8))

  @Test func transparencyShowsTheBackground() {
    let image = Image(
      width: 3, height: 1, channels: .rgba, pixels: [10, 20, 30, 255, 10, 20, 30, 0, 0, 0, 0, 128])
    #expect(image.composited(on: Color(255, 255, 255)).pixels == [10, 20, 30, 255, 255, 255, 127, 127, 127])
    #expect(image.asRGB.pixels == [10, 20, 30, 10, 20, 30, 0, 0, 0])
  }

  @Test func grayBecomesRGB() {
    let image = Image(width: 2, height: 1, channels: .gray, pixels: [5, 9])
    #expect(image.composited(on: Color(1, 2, 3)).pixels == [5, 5, 5, 9, 9, 9])
  }

  @Test func croppingTakesTheNamedPart() {
    #expect(letters.cropped(left: 1, top: 0, width: 2, height: 2).pixels == Array("bcef".utf8))
    #expect(letters.cropped(left: 0, top: 1, width: 1, height: 1).pixels == Array("d".utf8))
  }

  @Test(
    arguments: zip(
      Orientation.allCases, ["abcdef", "cbafed", "fedcba", "defabc", "adbecf", "daebfc", "fcebda", "cfbead"]))
  func imagesAreTurnedUpright(_ orientation: Orientation, _ expected: String) {
    #expect(letters.upright(from: orientation).pixels == Array(expected.utf8))
    #expect(letters.mirrored.pixels == Array("cbafed".utf8))
  }
}
