import Dispatch
import Foundation

/// Work on several cores.
public enum Parallel {
  /// Results in the order of the items, made by `workers` threads (default: the number of cores);
  /// the first error ends the call.
  public static func map<Item: Sendable, Result: Sendable, Failure: Error>(
    _ items: [Item], workers: Int = ProcessInfo.processInfo.activeProcessorCount,
    _ transform: @Sendable (Item) throws(Failure) -> Result
  ) throws(Failure) -> [Result] {
    let progress = Progress<Result, Failure>(count: items.count)
    DispatchQueue.concurrentPerform(iterations: max(1, min(workers, items.count))) { _ in
      while let index = progress.next() {
        do throws(Failure) {
          progress.finish(index, try transform(items[index]))
        } catch { progress.fail(error) }
      }
    }
    return try progress.results()
  }

  /// Seconds that this thread has computed: other programs on the same cores do not count.
  public static var threadSeconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// Unchecked because everything is only touched under the lock.
  private final class Progress<Result: Sendable, Failure: Error>: @unchecked Sendable {
    private let lock = NSLock()
    private var upcoming = 0
    private var done: [Result?]
    private var error: Failure?

    init(count: Int) { done = [Result?](repeating: nil, count: count) }

    func next() -> Int? {
      lock.withLock {
        guard error == nil, upcoming < done.count else { return nil }
        upcoming += 1
        return upcoming - 1
      }
    }

    func finish(_ index: Int, _ result: Result) { lock.withLock { done[index] = result } }
    func fail(_ reason: Failure) { lock.withLock { error = error ?? reason } }

    func results() throws(Failure) -> [Result] {
      if let error { throw error }
      return done.compactMap { $0 }
    }
  }
}
