import Foundation
import Images
import Testing

@testable import Scenes

@Suite struct SpriteStampTests {
  private static let circle = VectorShape.circle.sprite(size: 256)
  private static let square = VectorShape.square.sprite(size: 256)

  private func drawn(_ sprite: Sprite, _ x: Double, _ y: Double, side: Double) -> Image {
    .canvas(96) { $0.draw(sprite, centerX: x, centerY: y, side: side) }
  }

  // MARK: - Areas

  @Test(arguments: [12.0, 21.5, 40, 63.3, 80]) func aDiscHasTheAreaOfItsDiameter(_ side: Double) {
    let area = drawn(Self.circle, 48, 48, side: side).whiteArea
    #expect(abs(area / (.pi * side * side / 4) - 1) < 0.012, "\(area)")
  }

  @Test(arguments: [10.0, 24, 47.7, 80]) func aSquareHasTheAreaOfItsSide(_ side: Double) {
    let area = drawn(Self.square, 48, 48, side: side).whiteArea
    #expect(abs(area / (side * side) - 1) < 0.012, "\(area)")
  }

  /// A triangle of the drawn width, whose height is 0.88 / 0.98 of it.
  @Test func aTriangleHasHalfTheAreaOfItsBox() {
    let area = drawn(VectorShape.triangle.sprite(size: 256), 48, 48, side: 60).whiteArea
    #expect(abs(area / (60 * 60 * 0.88 / 0.98 / 2) - 1) < 0.012, "\(area)")
  }

  @Test func twiceTheSideIsFourTimesTheArea() {
    for shape in VectorShape.allCases {
      let sprite = shape.sprite(size: 256)
      let (small, large) = (drawn(sprite, 48, 48, side: 40).whiteArea, drawn(sprite, 48, 48, side: 80).whiteArea)
      #expect(abs(large / small - 4) < 0.04, "\(shape): \(large / small)")
    }
  }

  // MARK: - Places

  @Test func betweenPixelsTheAreaStaysAndTheCenterMovesAlong() {
    let area = drawn(Self.circle, 48, 48, side: 30).whiteArea
    for (x, y) in [(48.0, 48.0), (48.25, 47.5), (40.7, 52.13), (48.5, 48.5)] {
      let image = drawn(Self.circle, x, y, side: 30)
      #expect(abs(image.whiteArea / area - 1) < 0.003, "\(x), \(y)")
      #expect(abs(image.whiteCenter.x - x) < 0.06 && abs(image.whiteCenter.y - y) < 0.06, "\(image.whiteCenter)")
    }
  }

  @Test func whatIsDrawnStaysWithinItsBox() {
    let image = drawn(Self.square, 40, 56, side: 20)
    for y in 0..<96 {
      for x in 0..<96 where image.color(x, y).red > 0 {
        #expect((29...50).contains(x) && (45...66).contains(y), "\(x), \(y)")
      }
    }
    #expect(image.color(40, 56) == Color(255, 255, 255))
  }

  /// The edge of a square that covers half of a pixel's column has half of its color.
  @Test func edgesAreAntialiased() {
    let image = drawn(Self.square, 48.5, 48, side: 40)  // from 28.5 to 68.5
    for column in [28, 68] { #expect(abs(Int(image.color(column, 48).red) - 128) < 36, "column \(column)") }
    #expect(image.color(30, 48).red == 255 && image.color(26, 48).red == 0)
    #expect(image.color(66, 48).red == 255 && image.color(70, 48).red == 0)
  }

  @Test func whatLiesBeyondTheCanvasIsCutOff() {
    let whole = drawn(Self.square, 48, 48, side: 40).whiteArea
    #expect(abs(drawn(Self.square, 0, 48, side: 40).whiteArea / whole - 0.5) < 0.01)
    #expect(abs(drawn(Self.square, 96, 96, side: 40).whiteArea / whole - 0.25) < 0.01)
    for (x, y) in [(-60.0, 48.0), (200, 48), (48, -60), (48, 400)] {
      #expect(drawn(Self.square, x, y, side: 40).whiteArea == 0, "\(x), \(y)")
    }
    #expect(abs(drawn(Self.square, 48, 48, side: 500).whiteArea - 96 * 96) < 1e-9, "larger than the canvas")
  }

  @Test func aStampTouchesItsRowsOnly() {
    let stamp = SpriteStamp(Self.square, center: (48, 30), side: 20, width: 96, height: 96)
    #expect(stamp.rows.lowerBound >= 18 && stamp.rows.upperBound <= 42 && stamp.rows.contains(30))
    let above = SpriteStamp(Self.square, center: (48, -80), side: 20, width: 96, height: 96)
    #expect(above.rows.isEmpty)
  }

  @Test func rowsInAnyOrderHaveTheSamePixels() {
    func rows(_ order: [Int]) -> [[SIMD4<Float>]] {
      let stamp = SpriteStamp(Self.circle, center: (16, 16), side: 25, width: 32, height: 32)
      var rows = [[SIMD4<Float>]](repeating: [SIMD4<Float>](repeating: .zero, count: 32), count: 32)
      for row in order where stamp.rows.contains(row) {
        rows[row].withUnsafeMutableBufferPointer { stamp.blend(row: row, into: $0) }
      }
      return rows
    }
    #expect(rows(Array(0..<32)) == rows(Array((0..<32).reversed())))
  }

  // MARK: - Compositing

  @Test func aVeilIsMixedWithWhatIsBehind() {
    let veil = Sprite(width: 16, height: 16, premultiplied: [SIMD4](repeating: SIMD4(51, 0, 0, 102), count: 256))
    let once = Image.canvas(16, Color(200, 100, 50)) { $0.draw(veil, centerX: 8, centerY: 8, side: 16) }
    // α is 0.4: 51 + 0.6 b.
    #expect(once.color(8, 8) == Color(171, 60, 30))
    let twice = Image.canvas(16, Color(200, 100, 50)) {
      for _ in 0..<2 { $0.draw(veil, centerX: 8, centerY: 8, side: 16) }
    }
    #expect(twice.color(8, 8) == Color(154, 36, 18), "51 + 0.6 · 171, rounded once")
  }

  @Test func whatIsDrawnLaterCoversWhatIsOpaque() {
    let (red, blue) = (Self.square.tinted(Color(255, 0, 0)), Self.square.tinted(Color(0, 0, 255)))
    let image = Image.canvas(64) {
      $0.draw(red, centerX: 24, centerY: 32, side: 30)
      $0.draw(blue, centerX: 40, centerY: 32, side: 30)
    }
    #expect(image.color(15, 32) == Color(255, 0, 0) && image.color(32, 32) == Color(0, 0, 255))
  }

  @Test func anEmptyCanvasIsOfItsColor() {
    let image = Image.canvas(5, Color(1, 2, 3)) { _ in }
    #expect(image.pixels == (0..<25).flatMap { _ in [1, 2, 3] as [UInt8] })
  }
}
