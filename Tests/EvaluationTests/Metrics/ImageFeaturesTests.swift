import Foundation
import Images
import Testing

@testable import Evaluation

@Suite struct ImageFeaturesTests {
  private func even(_ color: Color) -> Image {
    let values = [color.red, color.green, color.blue].map(Double.init)
    return .drawn(128, 128) { _, _, c in values[c] }
  }

  @Test func colorsOfOneBinAreEqualAndOthersAreFarApart() {
    let first = ImageFeatures(even(Color(10, 10, 10)))
    #expect(first.distance(to: ImageFeatures(even(Color(63, 0, 30)))) == 0)
    // Unit vectors at right angles are √2 apart, which the projection keeps to a quarter or so.
    for other in [Color(64, 0, 30), Color(0, 128, 0), Color(255, 255, 255)] {
      let distance = first.distance(to: ImageFeatures(even(other)))
      #expect(abs(distance / 2.0.squareRoot() - 1) < 0.3, "\(other): \(distance)")
    }
  }

  @Test func halfOfTheSameBinIsNearerThanHalfOfAnother() {
    let black = ImageFeatures(even(Color(0, 0, 0)))
    let half = ImageFeatures(.drawn(128, 128) { x, _, _ in x < 64 ? 0 : 63 })  // one bin, and a faint edge
    let white = ImageFeatures(.drawn(128, 128) { x, _, _ in x < 64 ? 0 : 255 })
    #expect(black.distance(to: half) < 0.4)
    #expect(black.distance(to: white) > 2 * black.distance(to: half))
  }

  @Test func edgesCountWhereTheyAre() {
    func stripes(_ columns: Range<Int>) -> ImageFeatures {
      ImageFeatures(.gray(128, 128) { x, _ in columns.contains(x) && x % 4 < 2 ? 60 : 0 })  // one bin
    }
    let (left, right, none) = (stripes(0..<64), stripes(64..<128), stripes(0..<0))
    #expect(left.distance(to: none) > 0.3 && right.distance(to: none) > 0.3)
    #expect(left.distance(to: right) > left.distance(to: none))
  }

  @Test func aLargerImageOfTheSameHasTheSameFeatures() {
    let small = Image.drawn(128, 128) { x, y, c in Double((x * 3 + y * 5 + c * 40) % 256) }
    let large = Image.drawn(256, 256) { x, y, c in Double(small.pixels[3 * (y / 2 * 128 + x / 2) + c]) }
    #expect(ImageFeatures(small) == ImageFeatures(large))
  }

  @Test func distancesAreThoseOfASpace() {
    let all = [(0.0, 0.0), (3, 4), (6, 0)].map { ImageFeatures(values: [$0.0, $0.1]) }
    #expect(all[0].distance(to: all[1]) == 5 && all[1].distance(to: all[0]) == 5)
    #expect(all[0].distance(to: all[0]) == 0)
    #expect(all[0].distance(to: all[2]) <= all[0].distance(to: all[1]) + all[1].distance(to: all[2]))
  }

  @Test func theNearestAndTheMedianOfNothingAreNone() {
    #expect(FeatureDistances.nearest([ImageFeatures(values: [1])], among: []) == [.infinity])
    #expect(FeatureDistances.nearest([], among: [ImageFeatures(values: [1])]).isEmpty)
    #expect(FeatureDistances.median([]) == nil && FeatureDistances.median([3, 1, 2]) == 2)
    #expect(FeatureDistances.between([]) == nil && FeatureDistances.within([]) == nil)
    #expect(FeatureDistances.between([[ImageFeatures(values: [1])]]) == nil, "one group has no other")
  }
}
