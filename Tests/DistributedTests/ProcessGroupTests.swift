import Distributed
import TestSupport
import Testing
import Torch

@Suite struct ProcessGroupTests {
  private struct Fault: Error, Equatable { let rank: Int }

  @Test func aSingleProcessHasAllOfEverything() throws {
    let group = ProcessGroup.single
    let x = Tensor([1, 2, 3] as [Float])
    #expect(group.own(x) === x && group.gathered(x) === x && group.mean(x) === x && group.shared(x) === x)
    #expect(group.own(4..<9, pieces: 3) == [4..<9])
    #expect(group.sum([1, 2]) == [1, 2] && group.mean(["loss": 3]) == ["loss": 3])
    #expect(group.any(true) && !group.any(false) && group.first(where: true) == 0 && group.first(where: false) == nil)
    #expect(throws: Fault(rank: 0)) { try group.together { throw Fault(rank: 0) } }
  }

  @Test(arguments: [2, 4]) func valuesAreTheSameInAllProcesses(_ count: Int) throws {
    let results = try ThreadGroup.values(count) { group in
      let rank = Double(group.rank)
      return (
        sum: group.sum([rank, 1]), mean: group.mean(["a": rank, "b": 5]), any: group.any(group.rank == 1),
        none: group.any(false), first: group.first(where: group.rank > 0),
        bytes: group.broadcast([UInt8](repeating: UInt8(group.rank), count: group.rank + 1), from: 1)
      )
    }
    let total = Double(count * (count - 1) / 2)
    for result in results {
      #expect(result.sum == [total, Double(count)] && result.mean == ["a": total / Double(count), "b": 5])
      #expect(result.any && !result.none && result.first == 1 && result.bytes == [1, 1])
    }
  }

  /// Each image is in one process, and micro-batches are shared one by one.
  @Test(arguments: [(2, 1), (2, 3), (4, 1), (4, 2)]) func aBatchIsSharedExactly(_ count: Int, _ pieces: Int) throws {
    let batch = 24..<48
    let size = batch.count / pieces
    let parts = try ThreadGroup.values(count) { $0.own(batch, pieces: pieces) }
    for piece in 0..<pieces {
      let whole = parts.flatMap { $0[piece] }
      #expect(whole == Array(batch.lowerBound + piece * size..<batch.lowerBound + (piece + 1) * size))
    }
    #expect(parts.allSatisfy { $0.count == pieces && $0.allSatisfy { $0.count == size / count } })
  }

  @Test(arguments: [1, 2]) func rowsComeTogetherInTheOrderOfTheBatch(_ pieces: Int) throws {
    let results = try ThreadGroup.values(2) { group in
      let whole = Tensor.arange(0, 24, dtype: .int64).reshaped([8, 3])
      let own = Tensor.cat(group.own(0..<8, pieces: pieces).map { whole[$0] })
      let size = 8 / pieces
      let rows = Tensor.cat((0..<pieces).map { group.own(whole[$0 * size..<($0 + 1) * size]) })
      return (own.ints(), rows.ints(), group.gathered(own, pieces: pieces).ints(), group.gathered(own).dtype)
    }
    for (own, rows, all, dtype) in results { #expect(own == rows && all == Array(0..<24) && dtype == .int64) }
  }

  /// Also where a bucket holds one tensor, several or parts of none, and where a tensor is not contiguous.
  @Test(arguments: [1, 10, 1000]) func gradientsAreAveragedInBuckets(_ bucket: Int) throws {
    let shapes = [[3], [2, 4], [], [5, 1], [2, 3]]
    let results = try ThreadGroup.values(2) { group in
      let tensors = shapes.map { Tensor.full($0, Double(1 + 2 * group.rank)) }
      let transposed = Tensor.arange(0, 6).reshaped([2, 3]).transposed(0, 1)
      transposed.mul_(Double(group.rank))
      group.average(tensors + [transposed], bucket: bucket)
      return (tensors.map { $0.floats() }, transposed.floats())
    }
    for (tensors, transposed) in results {
      #expect(tensors == shapes.map { [Float](repeating: 2, count: $0.reduce(1, *)) })
      #expect(transposed == [0, 1.5, 0.5, 2, 1, 2.5])
    }
  }

  @Test func bucketsHoldWhatFits() {
    #expect(GradientBuckets.ranges(of: [], limit: 4).isEmpty)
    #expect(GradientBuckets.ranges(of: [9], limit: 4) == [0..<1])
    #expect(GradientBuckets.ranges(of: [1, 3, 1, 9, 4, 0, 2], limit: 4) == [0..<2, 2..<3, 3..<4, 4..<6, 6..<7])
  }

  private static func penalty(_ mean: Tensor) -> Tensor { (mean - 0.25).relu().square() }

  /// The gradients of f(mean over the processes), averaged, are those of one process with all rows; 1.25 is above the
  /// threshold of the penalty, and 0.125 is below it in spite of 0.5 in the first process.
  @Test(arguments: [[4, 0, 2, -1], [1, 0, 0.5, -1]] as [[Float]]) func aSharedMeanHasItsOwnGradient(
    _ rows: [Float]
  ) throws {
    let whole = Tensor(rows)
    whole.requiresGrad = true
    let loss = Self.penalty(whole.mean())
    loss.backward()
    let parts = try ThreadGroup.values(2) { group in
      let own = Tensor(Array(rows[2 * group.rank..<2 * group.rank + 2]))
      own.requiresGrad = true
      let loss = Self.penalty(group.shared(own.mean()))
      loss.backward()
      return (loss: loss.item(), gradient: own.grad?.floats() ?? [])
    }
    // Averaging over two processes halves a gradient that only one of them has.
    let gradient = parts.flatMap { $0.gradient }.map { $0 / 2 }
    let expected = try #require(whole.grad).floats()
    #expect(gradient.count == 4 && zip(gradient, expected).allSatisfy { abs($0 - $1) < 1e-6 })
    #expect(parts.allSatisfy { abs($0.loss - loss.item()) < 1e-6 })
  }

  @Test func anErrorInOneProcessIsOneInAll() throws {
    let results = ThreadGroup.run(3) { group in
      try group.together { if group.rank > 0 { throw Fault(rank: group.rank) } }
    }
    let errors = results.map { result -> (any Error)? in
      if case .failure(let error) = result { return error }
      return nil
    }
    #expect((errors[1] as? SharedError)?.error as? Fault == Fault(rank: 1))
    for rank in [0, 2] { #expect(errors[rank] as? ProcessGroupError == .elsewhere(1)) }
  }
}
