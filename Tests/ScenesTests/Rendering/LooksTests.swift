import Images
import Testing

@testable import Scenes

@Suite struct LooksTests {
  private func line(_ colors: [Color]) -> Image {
    Image(width: colors.count, height: 1, channels: .rgb, pixels: colors.flatMap { [$0.red, $0.green, $0.blue] })
  }

  private let shades = (0..<256).map { Color(UInt8($0), UInt8($0), UInt8($0)) }

  // MARK: - Tones

  @Test func grayHasTheBrightnessOfRec601() {
    let image = line([Color(255, 0, 0), Color(0, 255, 0), Color(0, 0, 255), Color(10, 200, 90)]).toned(.gray)
    #expect((0..<4).map { image.color($0, 0).red } == [77, 149, 29, 130])
    for x in 0..<4 {
      let color = image.color(x, 0)
      #expect(color.red == color.green && color.green == color.blue)
    }
    #expect(line(shades).toned(.gray) == line(shades), "gray stays what it is")
  }

  @Test func sepiaGoesFromDarkBrownToCream() {
    let image = line(shades).toned(.sepia)
    #expect(image.color(0, 0) == Color(38, 22, 8) && image.color(255, 0) == Color(255, 240, 208))
    for x in 1..<256 {
      let (before, after) = (image.color(x - 1, 0), image.color(x, 0))
      #expect(after.red >= before.red && after.green >= before.green && after.blue >= before.blue)
      #expect(after.red > after.green && after.green > after.blue)
    }
  }

  // MARK: - Pixels

  @Test func posterizingLeavesEvenSteps() {
    let image = line(shades)
    #expect(Set(image.posterized(levels: 2).pixels) == [0, 255])
    #expect(Set(image.posterized(levels: 9).pixels).sorted() == [0, 31, 63, 95, 127, 159, 191, 223, 255])
    #expect(image.posterized(levels: 256) == image)
    #expect(image.posterized(levels: 2).color(127, 0).red == 0 && image.posterized(levels: 2).color(128, 0).red == 255)
  }

  @Test func posterizingMovesAValueByHalfAStepAtMost() {
    let pixels = line(shades).posterized(levels: 9).pixels
    for value in 0..<256 { #expect(abs(Int(pixels[3 * value]) - value) <= 17) }
  }

  @Test func enlargingMakesBlocks() {
    let small = Image(width: 2, height: 2, channels: .rgb, pixels: (0..<12).map { UInt8($0) })
    let large = small.enlarged(to: 6)
    #expect(large.width == 6 && large.height == 6)
    for y in 0..<6 { for x in 0..<6 { #expect(large.color(x, y) == small.color(x / 3, y / 3)) } }
    #expect(small.enlarged(to: 2) == small)
    let odd = small.enlarged(to: 5)
    #expect((0..<5).map { odd.color($0, 0).red } == [0, 0, 0, 3, 3])
  }

  // MARK: - Blueprint

  @Test func aPlainImageIsPaperWithAGrid() {
    let image = Image.canvas(64, Color(200, 10, 10)) { _ in }.asBlueprint()
    for y in 0..<64 {
      for x in 0..<64 {
        let isLine = x % 4 == 0 || y % 4 == 0
        #expect(image.color(x, y) == (isLine ? Color(46, 98, 176) : Color(22, 72, 150)))
      }
    }
  }

  @Test func edgesBecomeInkAndFillingsPaper() {
    let image = Image.canvas(64) {
      $0.draw(VectorShape.square.sprite(), centerX: 32, centerY: 32, side: 32)
    }.asBlueprint()
    let ink = Color(234, 242, 255)
    #expect(image.color(16, 33) == ink && image.color(15, 33) == ink, "both sides of the edge")
    #expect(image.color(33, 33) == Color(22, 72, 150), "the inside is even")
  }

  @Test func faintChangesLeaveNoInk() {
    let image = Image.canvas(64, Color(100, 100, 100)) {
      $0.draw(VectorShape.square.sprite().tinted(Color(103, 103, 103)), centerX: 32, centerY: 32, side: 32)
    }
    #expect(image.asBlueprint() == Image.canvas(64, Color(100, 100, 100)) { _ in }.asBlueprint())
  }

  // MARK: - Rounding

  @Test func valuesAreRoundedHalvesUpAndClamped() {
    let values: [Float] = [0, 0.49, 0.5, 1.5, 2.5, 126.5, 127.49, 254.5, 254.4, 255, 256, 1000, -0.5, -70]
    let image = Image(width: values.count, height: 1) { _, row in
      for (x, value) in values.enumerated() { row[x] = SIMD4(value, 255 - value, 7, 99) }
    }
    #expect(
      (0..<values.count).map { image.color($0, 0).red } == [0, 0, 1, 2, 3, 127, 127, 255, 254, 255, 255, 255, 0, 0])
    #expect(image.color(0, 0) == Color(0, 255, 7) && image.color(11, 0).green == 0)
  }

  @Test func everyRowIsDrawnOnce() {
    var rows: [Int] = []
    let image = Image(width: 2, height: 3) { row, pixels in
      rows.append(row)
      for x in 0..<2 { pixels[x] = SIMD4(Float(10 * row + x), 0, 0, 0) }
    }
    #expect(rows == [0, 1, 2])
    #expect(image.pixels == [0, 0, 0, 1, 0, 0, 10, 0, 0, 11, 0, 0, 20, 0, 0, 21, 0, 0])
  }

  @Test func blendingIsCompositingOver() {
    var pixel = SIMD4<Float>(100, 50, 200, 255)
    pixel.blend(SIMD4(51, 0, 0, 51))
    #expect(pixel == SIMD4(131, 40, 160, 255))
    pixel.blend(.zero)
    #expect(pixel == SIMD4(131, 40, 160, 255), "nothing changes nothing")
    pixel.blend(SIMD4(1, 2, 3, 255))
    #expect(pixel == SIMD4(1, 2, 3, 255), "what is opaque hides all")
  }
}
