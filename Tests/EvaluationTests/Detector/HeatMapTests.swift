import Testing

@testable import Evaluation

@Suite struct HeatMapTests {
  private func map(_ cells: [Int: Float]) -> HeatMap {
    var heat = [Float](repeating: 0.05, count: 64)
    for (cell, value) in cells { heat[cell] = value }
    return HeatMap(heat, side: 8)
  }

  /// Two centres, each with a warm neighbourhood, and one that is too cool.
  @Test func peaksAreTheHottestOfTheirNeighboursAboveTheThreshold() {
    let peaks = map([9: 0.6, 10: 0.8, 17: 0.5, 37: 0.9, 46: 0.7, 0: 0.2]).peaks(above: 0.3)
    #expect(peaks == [HeatMap.Peak(cell: 37, heat: 0.9), HeatMap.Peak(cell: 10, heat: 0.8)])
  }

  @Test func theEndOfARowIsNoNeighbourOfTheNextOnesStart() {
    #expect(map([15: 0.9, 16: 0.8]).peaks(above: 0.3).map(\.cell) == [15, 16])
  }

  @Test func ofEqualNeighboursTheFirstIsThePeak() {
    #expect(map([27: 0.5, 28: 0.5, 36: 0.5]).peaks(above: 0.3).map(\.cell) == [27])
    #expect(map([:]).peaks(above: 0.3).isEmpty)
  }
}
