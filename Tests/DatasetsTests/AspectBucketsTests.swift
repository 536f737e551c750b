import Datasets
import Testing

@Suite struct AspectBucketsTests {
  private func names(_ buckets: [AspectBuckets.Bucket], cell: Int = 1) -> [String] {
    buckets.map { "\($0.width * cell)×\($0.height * cell)" }
  }

  /// For 512×512 and cells of 64 pixels, those of kohya's scripts up to twice as wide as high.
  @Test func theShapesAreThoseOfOtherTrainers() {
    let buckets = AspectBuckets(side: 8, multiple: 1)
    #expect(names(buckets.buckets, cell: 64) == ["384×640", "448×576", "512×512", "576×448", "640×384"])
    #expect(names(AspectBuckets(side: 8, multiple: 2).buckets, cell: 64) == ["384×640", "512×512", "640×384"])
    #expect(names(AspectBuckets(side: 4, multiple: 4).buckets) == ["4×4"])
  }

  @Test(arguments: [(8, 1), (16, 4), (32, 4), (32, 2), (64, 8), (7, 2), (1, 1), (5, 8)])
  func aShapeHasAtMostTheAreaOfTheSquareAndWholeCells(_ side: Int, _ multiple: Int) {
    let buckets = AspectBuckets(side: side, multiple: multiple)
    #expect(buckets.buckets.contains(buckets.square) && Set(buckets.buckets).count == buckets.buckets.count)
    for bucket in buckets.buckets {
      #expect(bucket.width * bucket.height <= side * side)
      #expect(max(bucket.width, bucket.height) <= 2 * min(bucket.width, bucket.height))
      #expect(buckets.buckets.contains(AspectBuckets.Bucket(width: bucket.height, height: bucket.width)))
      guard bucket != buckets.square else { continue }
      #expect(bucket.width.isMultiple(of: multiple) && bucket.height.isMultiple(of: multiple))
    }
  }

  @Test(arguments: [
    (3000, 2000, 10, 6), (2000, 3000, 6, 10), (512, 512, 8, 8), (1200, 1000, 9, 7), (9000, 10, 10, 6), (1, 9000, 6, 10),
    (1, 1, 8, 8), (1100, 1000, 8, 8),
  ])
  func anImageGoesToTheNearestProportions(_ width: Int, _ height: Int, _ across: Int, _ down: Int) {
    let buckets = AspectBuckets(side: 8, multiple: 1)
    let nearest = buckets.nearest(toWidth: width, height: height)
    #expect(nearest == AspectBuckets.Bucket(width: across, height: down))
    let removed = nearest.removedShare(ofWidth: width, height: height)
    #expect(buckets.buckets.allSatisfy { $0.removedShare(ofWidth: width, height: height) >= removed })
  }

  @Test func theShareOfAnImageThatIsRemovedIsThatOfItsCrop() {
    let square = AspectBuckets.Bucket(width: 8, height: 8)
    #expect(square.removedShare(ofWidth: 300, height: 200) == 1 - 2.0 / 3)
    #expect(square.removedShare(ofWidth: 200, height: 300) == 1 - 2.0 / 3)
    #expect(AspectBuckets.Bucket(width: 6, height: 4).removedShare(ofWidth: 300, height: 200) == 0)
  }

  @Test func everyImageIsInOneGroupInTheOrderOfTheFolder() {
    let sizes: [(width: Int, height: Int)?] = [(30, 20), (20, 30), (21, 20), (30, 30), (31, 20)]
    let groups = AspectBuckets(side: 8, multiple: 2).groups(sizes)
    #expect(names(groups.map(\.bucket)) == ["6×10", "8×8", "10×6"])
    #expect(groups.map(\.items) == [[1], [2, 3], [0, 4]])
  }

  /// The next one stands in for it, and the first for the last.
  @Test func anImageOfUnknownSizeIsWithTheNextOne() {
    let sizes: [(width: Int, height: Int)?] = [(30, 20), nil, nil, (20, 30), (30, 30), nil]
    let groups = AspectBuckets(side: 8, multiple: 2).groups(sizes)
    #expect(groups.map(\.items) == [[1, 2, 3], [4], [0, 5]])
    #expect(AspectBuckets(side: 8, multiple: 2).groups([nil, nil]).map(\.items) == [[0, 1]])
  }
}
