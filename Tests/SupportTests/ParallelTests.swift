import Support
import Synchronization
import Testing

@Suite struct ParallelTests {
  private struct Failure: Error, Equatable { let item: Int }

  @Test(arguments: [1, 2, 3, 16]) func resultsAreInTheOrderOfTheItems(_ workers: Int) {
    let items = Array(0..<200)
    #expect(Parallel.map(items, workers: workers) { $0 * $0 } == items.map { $0 * $0 })
  }

  @Test func everyItemIsWorkedOnOnce() {
    let counts = Mutex([Int](repeating: 0, count: 100))
    _ = Parallel.map(Array(0..<100), workers: 4) { item in counts.withLock { $0[item] += 1 } }
    #expect(counts.withLock { $0.allSatisfy { $0 == 1 } })
  }

  @Test func nothingGivesNothing() {
    #expect(Parallel.map([Int](), workers: 3) { $0 }.isEmpty)
    #expect(Parallel.map([7], workers: 0) { $0 + 1 } == [8], "there is always a worker")
  }

  @Test func theFirstErrorEndsTheCall() {
    let seen = Mutex<[Int]>([])
    let error = #expect(throws: Failure.self) {
      _ = try Parallel.map(Array(0..<100), workers: 1) { item throws(Failure) in
        seen.withLock { $0.append(item) }
        if item == 5 { throw Failure(item: item) }
        return item
      }
    }
    #expect(error == Failure(item: 5))
    #expect(seen.withLock { $0 } == Array(0...5), "what comes later is not begun")
  }

  @Test func aWorkerThatFailsEndsTheOthersToo() {
    let begun = Mutex(0)
    #expect(throws: Failure.self) {
      _ = try Parallel.map(Array(0..<10_000), workers: 4) { item throws(Failure) in
        begun.withLock { $0 += 1 }
        throw Failure(item: item)
      }
    }
    #expect(begun.withLock { $0 } <= 4)
  }

  @Test func theTimeOfAThreadGrowsWithItsWork() {
    let start = Parallel.threadSeconds
    var sum = 0.0
    for index in 0..<200_000 { sum += Double(index).squareRoot() }
    #expect(sum > 0 && start >= 0 && Parallel.threadSeconds > start)
  }
}
