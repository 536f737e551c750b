import Datasets
import Testing

@testable import Training

@Suite struct ExampleBlockTests {
  @Test(arguments: [1, 63, 64, 65, 300]) func anEpochOfBlocksShowsEveryItemOnce(count: Int) {
    let order = BlockOrder(count: count, seed: 7)
    for epoch in 0..<3 {
      #expect((0..<count).map { order[epoch * count + $0] }.sorted() == Array(0..<count))
    }
  }

  @Test func blocksOfOneNameHoldTheSameItemsInEveryEpochAndRun() {
    var items: [String: [Int]] = [:]
    var orders: Set<[String]> = []
    for seed in 1...3 as ClosedRange<UInt64> {
      let order = BlockOrder(count: 300, seed: seed)
      for epoch in 0..<3 {
        var (index, names): (Int, [String]) = (epoch * 300, [])
        while index < (epoch + 1) * 300 {
          let block = order.block(at: index + 5, newInEpochs: false)
          #expect(block.range.lowerBound == index)
          let held = block.range.map { order[$0] }
          #expect(items[block.name, default: held] == held)
          items[block.name] = held
          names.append(block.name)
          index = block.range.upperBound
        }
        #expect(names.last == "block-4" && names.count == 5)
        orders.insert(names)
      }
    }
    #expect(items.count == 5 && orders.count > 3)
    #expect(items["block-0"] != Array(0..<64))
  }

  @Test func blocksThatAreNewInEveryEpochHaveNamesOfTheirOwn() {
    let order = BlockOrder(count: 100, seed: 1)
    let names = [0, 99, 100, 199].map { order.block(at: $0, newInEpochs: true).name }
    #expect(names == ["epoch-0-block-0", "epoch-0-block-1", "epoch-1-block-0", "epoch-1-block-1"])
  }

  /// 70 wide, 64 square and 3 tall images: a whole block of the first two, then what is left of each shape.
  @Test func aBlockHoldsOneShapeAndAnEpochEveryItemOnce() throws {
    let shapes = [(10, 6), (8, 8), (6, 10)].map { AspectBuckets.Bucket(width: $0.0, height: $0.1) }
    let items = [Array(0..<70), Array(70..<134), Array(134..<137)]
    let order = BlockOrder(Array(zip(shapes, items)), seed: 7)
    for epoch in 0..<4 {
      var (index, counts): (Int, [Int]) = (epoch * 137, [])
      while index < (epoch + 1) * 137 {
        let block = order.block(at: index, newInEpochs: false)
        #expect(order.block(at: block.range.upperBound - 1, newInEpochs: false) == block)
        let place = try #require(block.bucket.flatMap(shapes.firstIndex))
        #expect(block.range.allSatisfy { items[place].contains(order[$0]) })
        counts.append(block.range.count)
        index = block.range.upperBound
      }
      #expect(counts == [64, 64, 6, 3])
      #expect((0..<137).map { order[epoch * 137 + $0] }.sorted() == Array(0..<137))
    }
  }

  @Test func oneShapeIsInTheOrderOfARunWithoutShapes() {
    let square = AspectBuckets.Bucket(width: 8, height: 8)
    let (shaped, plain) = (BlockOrder([(square, Array(0..<200))], seed: 7), BlockOrder(count: 200, seed: 7))
    #expect((0..<600).allSatisfy { shaped[$0] == plain[$0] })
    let blocks = (0..<600).map { shaped.block(at: $0, newInEpochs: false) }
    #expect(blocks.map(\.name) == (0..<600).map { plain.block(at: $0, newInEpochs: false).name })
  }

  @Test func aStreamWithoutEndIsCutIntoBlocksOf64() {
    #expect(ExampleBlock(endless: 130) == ExampleBlock(range: 128..<192, name: "block-2"))
  }
}
