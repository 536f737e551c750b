/// The shapes that training images are cropped to, so that wide and tall ones lose little (aspect ratio bucketing, as in
/// NovelAI's and kohya's trainers of Stable Diffusion).
///
/// A batch holds images of one shape. Each shape has at most the area of the model's square.
public struct AspectBuckets: Sendable, Equatable {
  /// A shape of images, in latent cells.
  public struct Bucket: Sendable, Hashable {
    /// Number of cells from left to right.
    public let width: Int
    /// Number of cells from top to bottom.
    public let height: Int

    /// A shape of `width` × `height` cells, at least one each.
    public init(width: Int, height: Int) { (self.width, self.height) = (width, height) }

    /// The share of an image's area that cropping to this shape removes, 0 ..< 1.
    public func removedShare(ofWidth width: Int, height: Int) -> Double {
      let (own, other) = (Double(self.width * height), Double(width * self.height))
      return 1 - min(own, other) / max(own, other)
    }
  }

  /// The square, and for each width above it the tallest shape within its area, wide and turned; in the order of widths.
  public let buckets: [Bucket]
  /// Side of the square, in cells.
  public let side: Int
  /// What the sides of all other shapes are multiples of, in cells.
  public let multiple: Int

  /// The largest ratio of the sides of a shape.
  public static let largestRatio = 2

  /// The shapes beside a square of `side` cells; a U-Net halves them evenly if their sides are multiples of `multiple`.
  public init(side: Int, multiple: Int) {
    (self.side, self.multiple) = (side, multiple)
    let widths = stride(from: (side / multiple + 1) * multiple, through: Self.largestRatio * side, by: multiple)
    let wide = widths.map { Bucket(width: $0, height: side * side / $0 / multiple * multiple) }
      .filter { $0.width <= Self.largestRatio * $0.height }
    let tall = wide.reversed().map { Bucket(width: $0.height, height: $0.width) }
    buckets = tall + [Bucket(width: side, height: side)] + wide
  }

  /// The square.
  public var square: Bucket { Bucket(width: side, height: side) }

  /// The shape whose proportions are nearest to those of an image, by the ratio of the two.
  ///
  /// That is the one whose crop removes least.
  public func nearest(toWidth width: Int, height: Int) -> Bucket {
    func distance(_ bucket: Bucket) -> Double { bucket.removedShare(ofWidth: width, height: height) }
    return buckets.min { distance($0) < distance($1) } ?? square
  }

  /// The images of each shape that has any, by their indices, in the order of `buckets`.
  ///
  /// An image of unknown size has the shape of the next one, which stands in for it if it cannot be read.
  public func groups(_ sizes: [(width: Int, height: Int)?]) -> [(bucket: Bucket, items: [Int])] {
    var shapes = sizes.map { size in size.map { nearest(toWidth: $0.width, height: $0.height) } }
    var next = shapes.lazy.compactMap { $0 }.first ?? square  // after the last comes the first
    for index in shapes.indices.reversed() {
      next = shapes[index] ?? next
      shapes[index] = next
    }
    let places = Dictionary(grouping: sizes.indices) { shapes[$0] ?? square }
    return buckets.compactMap { bucket in places[bucket].map { (bucket, $0) } }
  }
}
