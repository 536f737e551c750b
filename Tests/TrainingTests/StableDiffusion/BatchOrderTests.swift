import Testing

@testable import Training

@Suite struct BatchOrderTests {
  private let groups = [[3, 1, 9, 4, 7], [2, 8], [0, 5, 6]]

  /// Three, one and two batches: the last of two shapes is smaller.
  @Test func anEpochOfSeveralShapesHasEveryImageOnceInBatchesOfOneShape() {
    let order = BatchOrder(groups, batch: 2, seed: 7)
    #expect(order.meanBatch == 10.0 / 6)
    var epochs: Set<[[Int]]> = []
    for epoch in 0..<4 {
      let batches = (epoch * 6..<(epoch + 1) * 6).map { order[$0] }
      for batch in batches {
        #expect(groups.contains { group in batch.allSatisfy { group.contains($0.item) } })
        #expect((1...2).contains(batch.count) && batch.allSatisfy { $0.epoch == epoch })
      }
      #expect(batches.flatMap { $0.map(\.item) }.sorted() == Array(0..<10))
      epochs.insert(batches.map { $0.map(\.item) })
    }
    #expect(epochs.count == 4)
    #expect((0..<6).contains { BatchOrder(groups, batch: 2, seed: 8)[$0] != order[$0] })
  }

  /// Batches of one shape are whole, over the ends of epochs.
  @Test func oneShapeIsAStreamWithoutEnd() {
    let (order, stream) = (BatchOrder([[0, 1, 2]], batch: 2, seed: 7), EpochOrder(count: 3, seed: 7))
    let visits = (0..<6).flatMap { order[$0] }
    #expect(visits == (0..<12).map { BatchOrder.Visit(item: stream[$0], epoch: $0 / 3) } && order.meanBatch == 2)
  }

  /// A batch may be larger than its shape has images, and then than the stream's epoch.
  @Test func aLargeBatchHasAllImagesOfItsShape() {
    let order = BatchOrder(groups, batch: 100, seed: 7)
    #expect(Set((0..<3).map { order[$0].map(\.item).sorted() }) == Set(groups.map { $0.sorted() }))
    #expect(BatchOrder([[0, 1, 2]], batch: 100, seed: 7)[0].count == 100)
  }
}
