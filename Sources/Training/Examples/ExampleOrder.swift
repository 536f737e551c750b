/// Examples of the diffusion stream that always pass the encoder together.
///
/// The last bits of a latent depend on its neighbours in the batch. Whole blocks, always the same ones, give the same
/// bits in a run that is continued in the middle of one, and in a run that finds some of them in a cache.
struct ExampleBlock: Equatable {
  let range: Range<Int>  // in the stream
  let name: String  // of its pictures: blocks of one name show the same ones, in the same order

  /// Examples of a block, unless there are no more.
  static let size = 64

  /// The block that holds an index of a stream without end.
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

/// The order in which the diffusion stream shows a finite collection: each epoch holds every item once.
///
/// Blocks are shuffled, and not items: the neighbours of a picture stay the same over epochs, seeds and runs, so that
/// its latent has the same bits whenever it comes, and one that was kept serves them all. That batches are drawn at random
/// from a pool of many blocks makes up for it. The neighbours themselves were chosen by a shuffle, since files that
/// follow each other by name are often alike. Where there is a smaller last block, it ends the epoch.
struct BlockOrder {
  let count: Int
  private let neighbours: EpochOrder
  private let blocks: EpochOrder?  // whole ones

  init(count: Int, seed: UInt64) {
    self.count = count
    neighbours = EpochOrder(count: count, seed: 0)
    let whole = count / ExampleBlock.size
    blocks = whole > 0 ? EpochOrder(count: whole, seed: seed) : nil
  }

  /// The item at a running index over all epochs.
  subscript(index: Int) -> Int {
    let (start, block) = place(index)
    return neighbours[block * ExampleBlock.size + index - start]
  }

  /// The block that holds a running index; where pictures are new in each epoch, so is its name.
  func block(at index: Int, newInEpochs: Bool) -> ExampleBlock {
    let (start, block) = place(index)
    let epoch = index / count
    return ExampleBlock(
      range: start..<min(start + ExampleBlock.size, (epoch + 1) * count),
      name: newInEpochs ? "epoch-\(epoch)-block-\(block)" : "block-\(block)")
  }

  /// Where in the stream the block of an index begins, and which block it is.
  private func place(_ index: Int) -> (start: Int, block: Int) {
    let (epoch, place) = index.quotientAndRemainder(dividingBy: count)
    let slot = place / ExampleBlock.size
    let whole = count / ExampleBlock.size
    let block = slot < whole ? blocks.map { $0[epoch * whole + slot] } ?? slot : slot
    return (epoch * count + slot * ExampleBlock.size, block)
  }
}
