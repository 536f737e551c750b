import Images
import Testing

@Suite struct ImageEditTests {
  private func image(_ width: Int, _ height: Int, _ channels: Image.Channels) -> Image {
    let count = width * height * channels.rawValue
    return Image(width: width, height: height, channels: channels, pixels: (0..<count).map { UInt8($0 * 89 % 253) })
  }

  // MARK: - Cropping

  @Test(arguments: [Image.Channels.gray, .rgb, .rgba])
  func croppingACropIsOneCrop(_ channels: Image.Channels) {
    let whole = image(12, 10, channels)
    let twice = whole.cropped(left: 2, top: 1, width: 9, height: 8).cropped(left: 3, top: 4, width: 5, height: 2)
    #expect(twice == whole.cropped(left: 5, top: 5, width: 5, height: 2))
    #expect(whole.cropped(left: 0, top: 0, width: 12, height: 10) == whole)
  }

  @Test func theFourQuartersHoldEveryPixel() {
    let whole = image(6, 4, .rgb)
    let corners = [(0, 0), (3, 0), (0, 2), (3, 2)]
    let quarters = corners.map { whole.cropped(left: $0, top: $1, width: 3, height: 2) }
    #expect(quarters.flatMap(\.pixels).sorted() == whole.pixels.sorted())
    #expect(Array(quarters[3].pixels.suffix(9)) == Array(whole.pixels.suffix(9)), "the last row ends both")
  }

  @Test func croppingTheMirroredImageIsMirroringTheOtherSide() {
    let whole = image(7, 3, .rgba)
    #expect(
      whole.mirrored.cropped(left: 1, top: 0, width: 2, height: 3)
        == whole.cropped(left: 4, top: 0, width: 2, height: 3).mirrored)
  }

  // MARK: - Shrinking

  @Test(arguments: [Image.Channels.gray, .rgb, .rgba])
  func aShrunkPixelIsTheRoundedMeanOfItsSquare(_ channels: Image.Channels) {
    let (whole, depth) = (image(6, 9, channels), channels.rawValue)
    let small = whole.shrunk(by: 3)
    #expect(small.width == 2 && small.height == 3 && small.channels == channels)
    for index in small.pixels.indices {
      let (x, y, c) = (index / depth % 2, index / depth / 2, index % depth)
      var sum = 0
      for dy in 0..<3 { for dx in 0..<3 { sum += Int(whole.pixels[((3 * y + dy) * 6 + 3 * x + dx) * depth + c]) } }
      #expect(Int(small.pixels[index]) == Int((Double(sum) / 9).rounded()))
    }
  }

  @Test func shrinkingByOneOrOfOneColorChangesNoValue() {
    let whole = image(8, 8, .rgb)
    #expect(whole.shrunk(by: 1) == whole)
    let even = Image(width: 8, height: 4, channels: .gray, pixels: [UInt8](repeating: 254, count: 32))
    #expect(even.shrunk(by: 4).pixels == [254, 254])
  }

  @Test func shrinkingTwiceIsShrinkingByTheProductButForRounding() {
    let whole = image(24, 12, .rgb)
    expectClose(whole.shrunk(by: 2).shrunk(by: 3), whole.shrunk(by: 6), tolerance: 1, "by 2 and 3")
  }

  // MARK: - Compositing

  /// α c + (1 − α) b, to the nearest byte, for all values of α.
  @Test func compositingIsTheWeightedMeanByAlpha() {
    let background = Color(255, 40, 7)
    let veil = Image(
      width: 256, height: 1, channels: .rgba, pixels: (0..<256).flatMap { [9, 200, 7, UInt8($0)] })
    let opaque = veil.composited(on: background)
    #expect(opaque.channels == .rgb)
    for alpha in 0..<256 {
      let weight = Double(alpha) / 255
      for (c, (color, behind)) in [(9.0, 255.0), (200, 40), (7, 7)].enumerated() {
        let exact = weight * color + (1 - weight) * behind
        #expect(abs(Double(opaque.pixels[3 * alpha + c]) - exact) <= 0.5 + 1e-9, "alpha \(alpha)")
      }
    }
  }

  @Test func whatIsOpaqueHidesAnyBackgroundAndWhatIsTransparentNone() {
    let opaque = Image(width: 2, height: 1, channels: .rgba, pixels: [1, 2, 3, 255, 4, 5, 6, 255])
    #expect(opaque.composited(on: Color(0, 0, 0)) == opaque.composited(on: Color(255, 255, 255)))
    #expect(opaque.composited(on: Color(9, 9, 9)) == opaque.asRGB)
    let clear = Image(width: 1, height: 1, channels: .rgba, pixels: [1, 2, 3, 0])
    #expect(clear.composited(on: Color(9, 8, 7)).pixels == [9, 8, 7])
  }

  @Test func anRGBImageNeedsNoBackground() {
    let whole = image(3, 3, .rgb)
    #expect(whole.composited(on: Color(0, 0, 0)) == whole && whole.asRGB == whole)
  }
}
