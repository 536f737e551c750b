import Datasets

/// The shapes of a run's images, for people.
struct BucketSummary: Equatable {
  /// The shapes that any image has, in the order of their widths, and the number of images of each.
  let counts: [Count]
  /// The mean share of an image's area that its crop removes, 0 ..< 1.
  let removedShare: Double
  /// The same if all were cropped to squares.
  let squareRemovedShare: Double

  /// The images of a shape.
  struct Count: Equatable {
    let bucket: AspectBuckets.Bucket
    let images: Int
  }

  /// Counts the images of the given upright sizes; those of unknown size lose nothing.
  init(_ buckets: AspectBuckets, _ sizes: [(width: Int, height: Int)?]) {
    let groups = buckets.groups(sizes)
    counts = groups.map { Count(bucket: $0.bucket, images: $0.items.count) }
    func mean(_ bucket: (Int) -> AspectBuckets.Bucket) -> Double {
      let shares = sizes.indices.map { index in
        sizes[index].map { bucket(index).removedShare(ofWidth: $0.width, height: $0.height) } ?? 0
      }
      return shares.reduce(0, +) / Double(max(shares.count, 1))
    }
    var own = [AspectBuckets.Bucket](repeating: buckets.square, count: sizes.count)
    for group in groups { for item in group.items { own[item] = group.bucket } }
    removedShare = mean { own[$0] }
    squareRemovedShare = mean { _ in buckets.square }
  }

  /// One line, for cells of `cell` pixels.
  func text(cell: Int) -> String {
    let shapes = counts.map { count in
      "\(count.bucket.width * cell)×\(count.bucket.height * cell) (\(count.images) image\(count.images == 1 ? "" : "s"))"
    }
    func percent(_ share: Double) -> String { "\(Int((100 * share).rounded()))%" }
    return "\(shapes.joined(separator: ", ")); cropping removes \(percent(removedShare)) of an image on average, "
      + "\(percent(squareRemovedShare)) with squares"
  }
}
