import Datasets

/// Examples of the diffusion stream that are always encoded together.
///
/// The last bits of a latent depend on its neighbors in the batch. Fixed blocks give the same bits in a run that is
/// continued in the middle of a block, and in a run that reads some blocks from a cache.
struct ExampleBlock: Equatable {
  let range: Range<Int>  // in the stream
  let name: String  // blocks with equal names have the same images in the same order
  let bucket: AspectBuckets.Bucket?  // the shape of all its images; nil is the square

  /// Examples of a block, unless there are no more.
  static let size = 64

  /// The block that contains an index of an endless stream.
  init(endless index: Int) {
    let number = index / Self.size
    range = number * Self.size..<(number + 1) * Self.size
    name = "block-\(number)"
    bucket = nil
  }

  init(range: Range<Int>, name: String, bucket: AspectBuckets.Bucket? = nil) {
    self.range = range
    self.name = name
    self.bucket = bucket
  }
}

/// The order of a finite collection in the diffusion stream: each epoch has every item once.
///
/// Blocks are shuffled, not items: the neighbors of an image are the same in all epochs, seeds and runs, so that its
/// latent always has the same bits and one cached latent serves them all. Batches are still random, since they are drawn
/// from a pool of many blocks. The items of a block are chosen by a shuffle, because files with similar names are often
/// similar. A block holds images of one shape; the smaller last block of each shape comes at the end of the epoch.
struct BlockOrder {
  /// Items of one shape; nil is the square of a run without buckets.
  typealias Group = (bucket: AspectBuckets.Bucket?, items: [Int])

  let count: Int
  private let blocks: [Group]  // whole ones first
  private let whole: EpochOrder?  // of whole blocks

  /// Items of several shapes, each in one group.
  init(_ groups: [Group], seed: UInt64) {
    count = groups.reduce(0) { $0 + $1.items.count }
    let all = groups.flatMap { bucket, items in
      let order = EpochOrder(count: items.count, seed: 0)
      return stride(from: 0, to: items.count, by: ExampleBlock.size).map { start -> Group in
        (bucket, (start..<min(start + ExampleBlock.size, items.count)).map { items[order[$0]] })
      }
    }
    let isWhole = { (block: Group) in block.items.count == ExampleBlock.size }
    blocks = all.filter(isWhole) + all.filter { !isWhole($0) }
    let wholeCount = all.count(where: isWhole)
    whole = wholeCount > 0 ? EpochOrder(count: wholeCount, seed: seed) : nil
  }

  /// Items of one shape.
  init(count: Int, seed: UInt64) { self.init([(nil, Array(0..<count))], seed: seed) }

  /// The item at a running index over all epochs.
  subscript(index: Int) -> Int {
    let (start, block) = place(index)
    return blocks[block].items[index - start]
  }

  /// The block that contains a running index; if images are new in each epoch, its name contains the epoch.
  func block(at index: Int, newInEpochs: Bool) -> ExampleBlock {
    let (start, block) = place(index)
    return ExampleBlock(
      range: start..<start + blocks[block].items.count,
      name: newInEpochs ? "epoch-\(index / count)-block-\(block)" : "block-\(block)", bucket: blocks[block].bucket)
  }

  /// The start of the block of an index in the stream, and the number of the block.
  private func place(_ index: Int) -> (start: Int, block: Int) {
    let (epoch, place) = index.quotientAndRemainder(dividingBy: count)
    let (slot, wholeCount) = (place / ExampleBlock.size, whole?.count ?? 0)
    if let whole, slot < wholeCount {
      return (epoch * count + slot * ExampleBlock.size, whole[epoch * wholeCount + slot])
    }
    var (start, block) = (wholeCount * ExampleBlock.size, wholeCount)
    while place >= start + blocks[block].items.count {  // one for each shape
      start += blocks[block].items.count
      block += 1
    }
    return (epoch * count + start, block)
  }
}
