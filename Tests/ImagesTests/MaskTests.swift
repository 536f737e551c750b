import Foundation
import Images
import Testing

@Suite struct MaskTests {
  private func gray(_ width: Int, _ pixels: [UInt8]) -> Image {
    Image(width: width, height: pixels.count / width, channels: .gray, pixels: pixels)
  }

  // MARK: - Reading

  @Test func whiteIsSelectedAndGrayGoesToTheNearerEnd() {
    #expect(gray(4, [0, 127, 128, 255]).asMask().pixels == [0, 0, 255, 255])
    #expect(gray(4, [0, 127, 128, 255]).asMask(inverted: true).pixels == [255, 255, 0, 0])
  }

  @Test func colorsCountByTheirLuma() {
    let image = Image(width: 3, height: 1, channels: .rgb, pixels: [255, 0, 0, 0, 255, 0, 0, 0, 255])
    #expect(image.asMask().pixels == [0, 255, 0])
  }

  @Test func transparencyIsSelectedInsteadOfWhite() {
    let clear = Image(width: 2, height: 1, channels: .rgba, pixels: [255, 255, 255, 255, 0, 0, 0, 0])
    #expect(clear.asMask().pixels == [0, 255])
    let opaque = Image(width: 2, height: 1, channels: .rgba, pixels: [255, 255, 255, 255, 0, 0, 0, 255])
    #expect(opaque.asMask().pixels == [255, 0], "without transparency colors count")
  }

  @Test func boundsAreTheSmallestRectangle() {
    var mask = gray(9, .init(repeating: 0, count: 63))
    #expect(mask.maskBounds == nil)
    for (x, y) in [(2, 1), (7, 3), (4, 5)] { mask.pixels[y * 9 + x] = 255 }
    #expect(mask.maskBounds == PixelRectangle(left: 2, top: 1, width: 6, height: 5))
  }

  // MARK: - Blur

  @Test(arguments: [0, 1, 5, 16]) func theBlurEndsAtItsRadiusAndLeavesTheMaskWhite(_ radius: Int) {
    var mask = gray(60, .init(repeating: 0, count: 60 * 50))
    for y in 20..<30 { for x in 25..<28 { mask.pixels[y * 60 + x] = 255 } }
    let soft = mask.feathered(radius: radius)
    var previous: UInt8 = 255
    for x in 28..<60 {
      let value = soft.pixels[25 * 60 + x]
      #expect(value <= previous, "it falls off")
      previous = value
    }
    for y in 0..<50 {
      for x in 0..<60 {
        let distance = max(25 - x, x - 27, 20 - y, y - 29, 0)
        if distance == 0 { #expect(soft.pixels[y * 60 + x] == 255) }
        if distance > radius { #expect(soft.pixels[y * 60 + x] == 0) }
      }
    }
    if radius > 4 { #expect(soft.pixels[25 * 60 + 28] > 20 && soft.pixels[25 * 60 + 28] < 255) }
  }

  @Test func atAStraightEdgeItIsTwiceAGaussianStep() {
    let mask = gray(200, (0..<200 * 101).map { $0 % 200 < 100 ? 255 : 0 })
    let soft = mask.feathered(radius: 20)
    for x in 100..<112 {
      // Half of 1 − erf at the middle of the pixel; the kernel is cut at two standard deviations.
      let expected = 255 * erfc((Double(x) - 99.5) / (10 * 2.0.squareRoot()))
      #expect(abs(Double(soft.pixels[50 * 200 + x]) - expected) < 12, "\(x)")
    }
  }

  // MARK: - Pasting

  @Test func blendingIsTheWeightedMeanAndExactAtTheEnds() {
    let (a, b) = (gray(3, [10, 10, 10]), gray(3, [200, 200, 200]))
    #expect(a.blended(with: b, mask: gray(3, [0, 51, 255])).pixels == [10, 48, 200])
  }

  @Test func aPatchReplacesItsPlaceAlone() {
    let whole = gray(4, Array(0..<12))
    let patched = whole.replacing(
      PixelRectangle(left: 1, top: 1, width: 2, height: 2), with: gray(2, [90, 91, 92, 93]))
    #expect(patched.pixels == [0, 1, 2, 3, 4, 90, 91, 7, 8, 92, 93, 11])
  }

  // MARK: - Filling

  @Test func aHoleInOneColorGetsTheColor() {
    let plain = Image(width: 13, height: 9, channels: .rgb, pixels: (0..<117).flatMap { _ in [200, 30, 90] })
    var holed = plain
    let mask = gray(13, (0..<117).map { (3..<10).contains($0 % 13) && (2..<7).contains($0 / 13) ? 255 : 0 })
    for index in 0..<117 where mask.pixels[index] > 0 { holed.pixels[3 * index] = 0 }
    let filled = holed.filledFromSurroundings(under: mask)
    // Colors under a low alpha have few digits: a rounding by half is 8 at an alpha of 16.
    #expect(zip(filled.pixels, plain.pixels).allSatisfy { abs(Int($0) - Int($1)) <= 8 })
  }

  @Test func whatIsKnownStaysAndWithNothingKnownAllIsGray() {
    let image = Image(width: 4, height: 4, channels: .rgb, pixels: (0..<48).map { UInt8($0 * 5) })
    let mask = gray(4, (0..<16).map { $0 % 4 == 3 ? 255 : 0 })
    let filled = image.filledFromSurroundings(under: mask)
    for index in 0..<16 where mask.pixels[index] == 0 {
      #expect(filled.pixels[3 * index..<3 * index + 3] == image.pixels[3 * index..<3 * index + 3])
    }
    #expect(filled != image)
    let none = image.filledFromSurroundings(under: gray(4, .init(repeating: 255, count: 16)))
    #expect(Set(none.pixels) == [128])
  }
}
