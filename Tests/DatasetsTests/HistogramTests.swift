import Datasets
import Foundation
import Testing

@Suite struct HistogramTests {
  @Test func aBoundBelongsToTheClassAboveIt() {
    var histogram = Histogram(bounds: [10, 20])
    for value in [0, 9, 10, 19, 20, 1000] { histogram.add(value) }
    #expect(histogram.counts == [2, 2, 2] && histogram.count == 6)
    #expect(histogram.total == 1058 && histogram.largest == 1000)
  }

  @Test func anEmptyHistogramHasNoLinesAndNoMean() {
    let histogram = Histogram(bounds: [1])
    #expect(histogram.lines.isEmpty && histogram.mean == 0 && histogram.largest == 0 && histogram.count == 0)
  }

  @Test func barsAreInProportionToTheLargestAndNeverVanish() {
    var histogram = Histogram(bounds: [10, 20, 30])
    for _ in 0..<240 { histogram.add(5) }
    for _ in 0..<120 { histogram.add(15) }
    histogram.add(25)
    let bars = histogram.lines.map { $0.count { $0 == "━" } }
    #expect(bars == [24, 12, 1])
    #expect(histogram.lines.map { $0.prefix(8) } == ["under 10", "   10–19", "   20–29"])
  }

  @Test func aHistogramIsReadBackFromJSON() throws {
    var histogram = Histogram(bounds: [10, 20])
    for value in [3, 14, 15] { histogram.add(value) }
    #expect(try JSONDecoder().decode(Histogram.self, from: JSONEncoder().encode(histogram)) == histogram)
  }
}
