import Support
import Synchronization
import Testing

@Suite struct MemoryBudgetTests {
  @Test func threadsNeverHoldMoreThanTheBudgetTogether() {
    let budget = MemoryBudget(100)
    let held = Mutex((now: 0, most: 0, alone: true))
    let sizes = (0..<200).map { [10, 30, 45, 250][$0 % 4] }
    let done = Parallel.map(sizes, workers: 8) { size in
      budget.with(size) {
        held.withLock { held in
          if size > 100, held.now > 0 { held.alone = false }
          held.now += min(size, 100)
          held.most = max(held.most, held.now)
        }
        defer { held.withLock { $0.now -= min(size, 100) } }
        return size
      }
    }
    #expect(done == sizes)
    #expect(held.withLock { $0.most } <= 100 && held.withLock { $0.alone })
  }

  private struct Failure: Error {}

  @Test func bytesAreFreeAfterAnError() {
    let budget = MemoryBudget(10)
    for _ in 0..<3 {
      #expect(throws: Failure.self) { try budget.with(10) { () throws(Failure) -> Void in throw Failure() } }
    }
    #expect(budget.with(10) { 7 } == 7)
  }

  @Test func workThatNeedsNothingRunsBesideWorkThatNeedsAll() {
    let budget = MemoryBudget(10)
    #expect(budget.with(10) { budget.with(0) { budget.with(-5) { 3 } } } == 3)
    #expect(budget.limit == 10)
  }
}
