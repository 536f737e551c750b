import Images
import Testing

@Suite struct ImageFitTests {
  private func image(_ width: Int, _ height: Int, _ channels: Image.Channels = .rgb) -> Image {
    let count = width * height * channels.rawValue
    return Image(width: width, height: height, channels: channels, pixels: (0..<count).map { UInt8($0 * 89 % 253) })
  }

  @Test(arguments: ImageFit.allCases) func anImageOfTheSizeIsItself(_ fit: ImageFit) {
    #expect(image(7, 5).fitted(width: 7, height: 5, fit) == image(7, 5))
  }

  @Test func coverIsTheMiddleAndContainHasRepeatedEdges() {
    let wide = image(8, 4)
    #expect(wide.fitted(width: 4, height: 4, .cover) == wide.cropped(left: 2, top: 0, width: 4, height: 4))
    let whole = wide.fitted(width: 8, height: 8, .contain)
    #expect(whole.cropped(left: 0, top: 2, width: 8, height: 4) == wide)
    for y in [0, 1] { #expect(whole.pixels[y * 24..<y * 24 + 24] == wide.pixels[0..<24]) }
    for y in [6, 7] { #expect(whole.pixels[y * 24..<y * 24 + 24] == wide.pixels[72..<96]) }
    #expect(wide.fitted(width: 5, height: 9, .stretch) == wide.resized(width: 5, height: 9, filter: .lanczos))
  }

  @Test(arguments: ImageFit.allCases) func everyShapeFitsEverySize(_ fit: ImageFit) {
    for (width, height) in [(1, 1), (1, 300), (300, 1), (17, 23)] {
      for (newWidth, newHeight) in [(1, 1), (64, 64), (3, 90), (90, 3)] {
        let fitted = image(width, height).fitted(width: newWidth, height: newHeight, fit)
        #expect(fitted.width == newWidth && fitted.height == newHeight)
      }
    }
  }

  @Test(arguments: [Image.Channels.gray, .rgb, .rgba])
  func marginsRepeatTheEdgeOrHaveOneValue(_ channels: Image.Channels) {
    let (whole, depth) = (image(3, 2, channels), channels.rawValue)
    let margins = Margins(left: 2, top: 1, right: 1, bottom: 3)
    let (repeated, plain) = (whole.extended(by: margins), whole.extended(by: margins, margin: 7))
    for y in 0..<6 {
      for x in 0..<6 {
        let place = (y * 6 + x) * depth
        let source = (min(max(y - 1, 0), 1) * 3 + min(max(x - 2, 0), 2)) * depth
        #expect(repeated.pixels[place..<place + depth] == whole.pixels[source..<source + depth])
        let isInside = (1...2).contains(y) && (2...4).contains(x)
        #expect(plain.pixels[place] == (isInside ? whole.pixels[source] : 7))
      }
    }
    #expect(whole.extended(by: Margins()) == whole)
  }
}
