import Testing

@testable import Evaluation

@Suite struct HeatmapTests {
  private func map(_ cells: [Int: Float]) -> Heatmap {
    var heatmap = [Float](repeating: 0.05, count: 64)
    for (cell, value) in cells { heatmap[cell] = value }
    return Heatmap(heatmap, side: 8)
  }

  /// Two centers, each with a warm neighborhood, and one that is too cool.
  @Test func peaksAreTheHottestOfTheirNeighborsAboveTheThreshold() {
    let peaks = map([9: 0.6, 10: 0.8, 17: 0.5, 37: 0.9, 46: 0.7, 0: 0.2]).peaks(above: 0.3)
    #expect(peaks == [Heatmap.Peak(cell: 37, score: 0.9), Heatmap.Peak(cell: 10, score: 0.8)])
  }

  @Test func theEndOfARowIsNoNeighborOfTheNextOnesStart() {
    #expect(map([15: 0.9, 16: 0.8]).peaks(above: 0.3).map(\.cell) == [15, 16])
  }

  @Test func ofEqualNeighborsTheFirstIsThePeak() {
    #expect(map([27: 0.5, 28: 0.5, 36: 0.5]).peaks(above: 0.3).map(\.cell) == [27])
    #expect(map([:]).peaks(above: 0.3).isEmpty)
  }
}
