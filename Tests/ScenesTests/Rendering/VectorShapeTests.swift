import Foundation
import Images
import Testing

@testable import Scenes

@Suite struct VectorShapeTests {
  /// The areas of the shapes in a square of side 1.
  private static let areas: [(VectorShape, Double)] = [
    (.circle, .pi * 0.49 * 0.49), (.ring, 2 * .pi * 0.4 * 0.17), (.square, 0.92 * 0.92), (.diamond, 0.84 * 0.98 / 2),
    (.triangle, 0.98 * 0.88 / 2), (.cross, 2 * 0.96 * 0.34 - 0.34 * 0.34), (.oval, .pi * 0.49 * 0.3),
    (.semicircle, .pi * 0.48 * 0.48 / 2), (.hexagon, 3 * 3.0.squareRoot() / 2 * 0.49 * 0.49),
    (.star, 5 * 0.5 * 0.21 * sin(.pi / 5)), (.crescent, .pi * 0.47 * 0.47 - lens(0.47, 0.40364, apart: 0.2)),
  ]

  /// The area that two discs share.
  private static func lens(_ a: Double, _ b: Double, apart d: Double) -> Double {
    let (x, y) = (acos((d * d + a * a - b * b) / (2 * d * a)), acos((d * d + b * b - a * a) / (2 * d * b)))
    let product = (a + b - d) * (d + a - b) * (d - a + b) * (d + a + b)
    return a * a * x + b * b * y - product.squareRoot() / 2
  }

  private func coverage(_ sprite: Sprite) -> Double {
    let level = sprite.levels[0]
    var sum = 0.0
    for y in 0..<level.height { for x in 0..<level.width { sum += Double(level.pixel(x, y).w) / 255 } }
    return sum
  }

  @Test(arguments: areas) func aMaskHasTheAreaOfItsFormula(_ shape: VectorShape, _ area: Double) {
    for size in [128, 256] {
      let found = coverage(shape.sprite(size: size)) / Double(size * size)
      #expect(abs(found / area - 1) < 0.005, "\(size): \(found), expected \(area)")
    }
  }

  @Test func allShapesButTheHeartAreMeasured() {
    #expect(Set(Self.areas.map(\.0)) == Set(VectorShape.allCases).subtracting([.heart]))
    // A little more than the square that two discs of half its width stand on.
    #expect((0.45...0.65).contains(coverage(VectorShape.heart.sprite(size: 128)) / (128 * 128)))
  }

  @Test(arguments: VectorShape.allCases.filter { $0 != .crescent }) func shapesAreSymmetric(_ shape: VectorShape) {
    let level = shape.sprite(size: 128).levels[0]
    for y in 0..<level.height {
      for x in 0..<level.width / 2 {
        let (left, right) = (level.pixel(x, y).w, level.pixel(level.width - 1 - x, y).w)
        // Cairo's antialiasing is not quite symmetric.
        guard abs(left - right) <= 24 else {
          Issue.record("row \(y), column \(x): \(left) and \(right)")
          return
        }
      }
    }
  }

  @Test(arguments: VectorShape.allCases) func masksAreWhiteWithEverythingInTheirAlpha(_ shape: VectorShape) {
    let level = shape.sprite(size: 64).levels[0]
    var values: Set<Float> = []
    for y in 0..<level.height {
      for x in 0..<level.width {
        let pixel = level.pixel(x, y)
        #expect(pixel == SIMD4(repeating: pixel.w))
        values.insert(pixel.w)
      }
    }
    #expect(values.contains(255) && values.allSatisfy { (0...255).contains($0) })
    if shape != .square { #expect(values.count > 4, "edges are antialiased") }
  }

  @Test func boundsAreThoseOfTheShape() {
    for (shape, aspect) in [
      (VectorShape.circle, 1.0), (.square, 1), (.diamond, 0.84 / 0.98), (.triangle, 0.98 / 0.88), (.oval, 0.98 / 0.6),
      (.semicircle, 2), (.hexagon, 0.8486 / 0.98), (.cross, 1),
    ] { #expect(abs(shape.sprite(size: 256).aspect / aspect - 1) < 0.02, "\(shape)") }
  }
}
