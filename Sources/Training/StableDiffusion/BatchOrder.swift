import Support

/// The images of each step, all of one shape, in an order that depends only on seed and step.
///
/// Images of a single shape are a stream without end, which is new in every epoch and of which each step takes the next ones.
/// With several shapes an epoch is every shape's images in batches, shuffled, of which the last of a shape is smaller: it has
/// every image once, as in kohya's trainers.
struct BatchOrder {
  /// One use of an image.
  struct Visit: Equatable {
    let item: Int
    let epoch: Int
  }

  private let groups: [[Int]]  // the images of each shape
  private let batch: Int
  private let seed: UInt64
  private let batches: [(group: Int, places: Range<Int>)]  // of an epoch, before they are shuffled

  /// Batches of at most `batch` images; `groups` are the images of each shape.
  init(_ groups: [[Int]], batch: Int, seed: UInt64) {
    (self.groups, self.batch, self.seed) = (groups, batch, seed)
    batches = groups.indices.flatMap { group in
      stride(from: 0, to: groups[group].count, by: batch).map {
        (group, $0..<min($0 + batch, groups[group].count))
      }
    }
  }

  /// The mean number of images in a step.
  var meanBatch: Double {
    groups.count == 1 ? Double(batch) : Double(groups.reduce(0) { $0 + $1.count }) / Double(batches.count)
  }

  /// The images of a step.
  subscript(step: Int) -> [Visit] {
    if groups.count == 1 { return visits(step * batch..<(step + 1) * batch, of: 0) }
    let epoch = step / batches.count
    let (group, places) = batches[EpochOrder(count: batches.count, seed: seed &+ 0xba7c)[step]]
    let first = epoch * groups[group].count
    return visits(first + places.lowerBound..<first + places.upperBound, of: group)
  }

  /// The images at running indices over all epochs of a shape.
  private func visits(_ range: Range<Int>, of group: Int) -> [Visit] {
    let items = groups[group]
    let order = EpochOrder(count: items.count, seed: seed &+ UInt64(group) &* 0x2545_f491)
    return range.map { Visit(item: items[order[$0]], epoch: $0 / items.count) }
  }
}
