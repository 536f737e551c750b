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

  @Test func aStreamWithoutEndIsCutIntoBlocksOf64() {
    #expect(ExampleBlock(endless: 130) == ExampleBlock(range: 128..<192, name: "block-2"))
  }
}
