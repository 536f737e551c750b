/// Examples of the diffusion stream that are always encoded together.
///
/// The last bits of a latent depend on its neighbors in the batch. Fixed blocks give the same bits in a run that is
/// continued in the middle of a block, and in a run that reads some blocks from a cache.
struct ExampleBlock: Equatable {
  let range: Range<Int>  // in the stream
  let name: String  // blocks with equal names have the same images in the same order

  /// Examples of a block, unless there are no more.
  static let size = 64

  /// The block that contains an index of an endless stream.
  init(endless index: Int) {
    let number = index / Self.size
    range = number * Self.size..<(number + 1) * Self.size
    name = "block-\(number)"
  }

  init(range: Range<Int>, name: String) {
    self.range = range
    self.name = name
  }
}

/// The order of a finite collection in the diffusion stream: each epoch has every item once.
///
/// Blocks are shuffled, not items: the neighbors of an image are the same in all epochs, seeds and runs, so that its
/// latent always has the same bits and one cached latent serves them all. Batches are still random, since they are drawn
/// from a pool of many blocks. The items of a block are chosen by a shuffle, because files with similar names are often
/// similar. A smaller last block comes at the end of the epoch.
struct BlockOrder {
  let count: Int
  private let neighbors: EpochOrder
  private let blocks: EpochOrder?  // whole ones

  init(count: Int, seed: UInt64) {
    self.count = count
    neighbors = EpochOrder(count: count, seed: 0)
    let whole = count / ExampleBlock.size
    blocks = whole > 0 ? EpochOrder(count: whole, seed: seed) : nil
  }

  /// The item at a running index over all epochs.
  subscript(index: Int) -> Int {
    let (start, block) = place(index)
    return neighbors[block * ExampleBlock.size + index - start]
  }

  /// The block that contains a running index; if images are new in each epoch, its name contains the epoch.
  func block(at index: Int, newInEpochs: Bool) -> ExampleBlock {
    let (start, block) = place(index)
    let epoch = index / count
    return ExampleBlock(
      range: start..<min(start + ExampleBlock.size, (epoch + 1) * count),
      name: newInEpochs ? "epoch-\(epoch)-block-\(block)" : "block-\(block)")
  }

  /// The start of the block of an index in the stream, and the number of the block.
  private func place(_ index: Int) -> (start: Int, block: Int) {
    let (epoch, place) = index.quotientAndRemainder(dividingBy: count)
    let slot = place / ExampleBlock.size
    let whole = count / ExampleBlock.size
    let block = slot < whole ? blocks.map { $0[epoch * whole + slot] } ?? slot : slot
    return (epoch * count + slot * ExampleBlock.size, block)
  }
}
