import Images
import Testing

@testable import Scenes

@Suite struct SpriteTests {
  /// Pixels of one color where `isInside`, transparent elsewhere.
  private func sprite(
    _ width: Int, _ height: Int, _ color: SIMD4<Float> = SIMD4(repeating: 255), _ isInside: (Int, Int) -> Bool
  ) -> Sprite {
    Sprite(
      width: width, height: height,
      premultiplied: (0..<width * height).map { isInside($0 % width, $0 / width) ? color : .zero })
  }

  @Test func aSpriteIsCroppedToWhatCanBeSeen() {
    let part = sprite(40, 30) { (10..<30).contains($0) && (5..<15).contains($1) }
    #expect(part.levels[0].width == 20 && part.levels[0].height == 10 && part.aspect == 2)
    let whole = sprite(7, 9) { _, _ in true }
    #expect(whole.levels[0].width == 7 && whole.levels[0].height == 9)
  }

  @Test func whatIsNearlyTransparentIsNotSeen() {
    let faint = Sprite(
      width: 3, height: 1, premultiplied: [SIMD4(8, 8, 8, 8), SIMD4(9, 9, 9, 9), SIMD4(8, 8, 8, 8)])
    #expect(faint.levels[0].width == 1 && faint.levels[0].pixel(0, 0) == SIMD4(9, 9, 9, 9))
  }

  @Test(arguments: [(64, 64), (33, 20), (9, 100), (7, 7), (1, 1)])
  func levelsAreHalvedDownToAFewPixels(_ width: Int, _ height: Int) {
    let levels = sprite(width, height) { _, _ in true }.levels
    for (large, small) in zip(levels, levels.dropFirst()) {
      #expect(small.width == (large.width + 1) / 2 && small.height == (large.height + 1) / 2)
      #expect(min(large.width, large.height) >= 8)
    }
    #expect(min(levels[levels.count - 1].width, levels[levels.count - 1].height) < 8)
  }

  /// What lies beyond an odd edge is transparent: nothing gets more.
  @Test func everyLevelHasAQuarterOfTheOneBefore() {
    let levels = sprite(37, 50, SIMD4(200, 100, 40, 255)) { ($0 * 7 + $1 * 3) % 5 != 0 || $0 == 0 || $1 == 0 }.levels
    func sum(_ level: Sprite.Level) -> SIMD4<Float> {
      var sum = SIMD4<Float>.zero
      for y in 0..<level.height { for x in 0..<level.width { sum += level.pixel(x, y) } }
      return sum
    }
    for (large, small) in zip(levels, levels.dropFirst()) {
      let (expected, found) = (sum(large) / 4, sum(small))
      for lane in 0..<4 { #expect(abs(found[lane] - expected[lane]) < 0.01 * expected[lane] / 100 + 0.5) }
    }
  }

  @Test func tintingChangesTheColorAndKeepsTheAlpha() {
    let half = sprite(20, 20, SIMD4(100, 0, 0, 128)) { _, _ in true }
    let tinted = Image.canvas(20, Color(0, 0, 200)) {
      $0.draw(half.tinted(Color(0, 255, 0)), centerX: 10, centerY: 10, side: 20)
    }
    let plain = Image.canvas(20, Color(0, 0, 200)) { $0.draw(half, centerX: 10, centerY: 10, side: 20) }
    #expect(tinted.color(10, 10) == Color(0, 128, 100))
    #expect(plain.color(10, 10) == Color(100, 0, 100))
  }
}
