import Datasets

/// The shapes of a folder's images: the squares of a run without buckets, or each image's nearest bucket.
struct ImageShapes {
  /// The images of each shape; nil is the square of a run without buckets.
  let groups: [BlockOrder.Group]
  /// What the shapes are, for people; nil without buckets.
  let summary: BucketSummary?

  /// With `buckets` the headers of all images are read.
  init(_ files: ImageFolder, _ buckets: AspectBuckets?) {
    guard let buckets else {
      (groups, summary) = ([(nil, Array(0..<files.count))], nil)
      return
    }
    let sizes = files.uprightSizes()
    groups = buckets.groups(sizes).map { ($0.bucket, $0.items) }
    summary = BucketSummary(buckets, sizes)
  }
}
