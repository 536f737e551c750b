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
}
