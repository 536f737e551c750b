import Datasets
import Testing

@testable import Training

@Suite struct BucketSummaryTests {
  private let buckets = AspectBuckets(side: 8, multiple: 2)

  @Test func theShapesAndWhatCroppingRemovesAreNamed() {
    let summary = BucketSummary(buckets, [(300, 200), (200, 300), (300, 200), (100, 100), nil])
    #expect(summary.counts.map(\.images) == [1, 1, 3])
    #expect(
      summary.text(cell: 64)
        == "384×640 (1 image), 512×512 (1 image), 640×384 (3 images); cropping removes 6% of an image "
        + "on average, 20% with squares")
  }

  @Test func squareImagesLoseNothing() {
    let summary = BucketSummary(buckets, [(64, 64), (9, 9)])
    #expect(summary.removedShare == 0 && summary.squareRemovedShare == 0 && summary.counts.count == 1)
  }
}
