import Support
import Testing

@testable import Evaluation

@Suite struct FrechetDistanceTests {
  private func vectors(count: Int = 40, _ size: Int = 6) -> [[Double]] {
    var random = SplitMix64(seed: 3, index: 0)
    return (0..<count).map { _ in (0..<size).map { Double($0 + 1) * random.real(-1, 1) + 0.3 } }
  }

  private func distance(_ first: [[Double]], _ second: [[Double]]) -> Double {
    FrechetDistance.between(first.map { ImageFeatures(values: $0) }, second.map { ImageFeatures(values: $0) })
  }

  private func mean(_ all: [[Double]]) -> [Double] {
    all[0].indices.map { i in all.reduce(0) { $0 + $1[i] } / Double(all.count) }
  }

  /// Scaled by c, means differ by (c − 1) μ and Σ becomes c² Σ: (c − 1)² (|μ|² + tr Σ).
  @Test(arguments: [0.0, 0.5, 2, 3]) func scalingHasAKnownDistance(_ factor: Double) {
    let all = vectors()
    let center = mean(all)
    var expected = center.reduce(0) { $0 + $1 * $1 }
    for vector in all {
      for (x, m) in zip(vector, center) { expected += (x - m) * (x - m) / Double(all.count - 1) }
    }
    expected *= (factor - 1) * (factor - 1)
    let found = distance(all, all.map { $0.map { factor * $0 } })
    #expect(abs(found - expected) < 1e-6 * max(1, expected), "\(found), expected \(expected)")
  }

  /// In one dimension: (μ₁ − μ₂)² + (σ₁ − σ₂)².
  @Test func inOneDimensionItIsThatOfMeansAndDeviations() {
    // Deviations of √2 and 2√2, means of 5 and 7.
    #expect(abs(distance([[4], [6]], [[5], [9]]) - (4 + 2)) < 1e-9)
  }

  @Test func theOrderOfVectorsAndOfElementsDoesNotMatter() {
    let (all, other) = (vectors(), vectors(count: 25))
    let expected = distance(all, other)
    #expect(abs(distance(all.reversed(), other) - expected) < 1e-9)
    func turned(_ all: [[Double]]) -> [[Double]] { all.map { Array($0[2...] + $0[..<2]) } }
    #expect(abs(distance(turned(all), turned(other)) - expected) < 1e-6)
  }

  @Test func itIsNotNegativeAlsoForFewVectorsInManyDimensions() {
    let few = vectors(count: 2, 30)
    #expect(distance(few, few) >= 0 && distance(few, few) < 1e-6)
  }
}
