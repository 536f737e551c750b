import Flux
import Images
import Testing

@Suite struct PixelDifferenceTests {
  private func image(_ pixels: [UInt8]) -> Image { Image(width: 2, height: 1, channels: .rgb, pixels: pixels) }

  @Test func largestMeanAndCountAreOverBytesAndPixels() throws {
    let difference = try #require(
      PixelDifference(image([0, 0, 0, 10, 10, 10]), image([0, 3, 0, 10, 10, 9]), tolerance: 1))
    #expect((difference.largest, difference.exceeding) == (3, 1))
    #expect(difference.mean == 4.0 / 6)
  }

  @Test func otherSizesHaveNone() {
    let tall = Image(width: 1, height: 2, channels: .rgb, pixels: [0, 0, 0, 0, 0, 0])
    #expect(PixelDifference(image([0, 0, 0, 0, 0, 0]), tall) == nil)
  }
}
