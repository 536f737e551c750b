import Distributed
import Foundation

/// Threads that act as the processes of a group, so that tests need no MPI.
public enum ThreadGroup {
  /// Runs `body` as each of `count` processes; returns what they returned or threw, by rank.
  public static func run<R>(
    _ count: Int, _ body: @escaping @Sendable (ProcessGroup) throws -> R
  ) -> [Result<R, any Error>] {
    let exchange = Exchange(count)
    let results = Results<R>(count)
    for rank in 0..<count {
      let thread = Thread {
        let result = Result { try body(ProcessGroup(rank: rank, count: count, transport: exchange.transport(rank))) }
        results.set(rank, result)
      }
      thread.stackSize = 64 << 20
      thread.start()
    }
    return results.all()
  }

  /// What each process returned; throws the first error.
  public static func values<R>(
    _ count: Int, _ body: @escaping @Sendable (ProcessGroup) throws -> R
  ) throws -> [R] {
    try run(count, body).map { try $0.get() }
  }

  /// Unchecked because every access is under the lock; each result is made by one thread and read after it has ended.
  private final class Results<R>: @unchecked Sendable {
    private let condition = NSCondition()
    private var results: [Result<R, any Error>?]

    init(_ count: Int) { results = [Result<R, any Error>?](repeating: nil, count: count) }

    func set(_ rank: Int, _ result: Result<R, any Error>) {
      condition.withLock {
        results[rank] = result
        condition.broadcast()
      }
    }

    func all() -> [Result<R, any Error>] {
      condition.withLock {
        while results.contains(where: { $0 == nil }) { condition.wait() }
        return results.compactMap { $0 }
      }
    }
  }

  /// Bytes of all threads for each of them; unchecked because every access is under the lock.
  private final class Exchange: @unchecked Sendable {
    private let condition = NSCondition()
    private let count: Int
    private var given: [Int: [UInt8]] = [:]
    private var exchanged: [[UInt8]] = []
    private var round = 0

    init(_ count: Int) { self.count = count }

    private func all(_ rank: Int, _ bytes: [UInt8]) -> [[UInt8]] {
      condition.withLock {
        let round = round
        given[rank] = bytes
        if given.count == count {
          exchanged = (0..<count).map { given[$0] ?? [] }
          given = [:]
          self.round += 1
          condition.broadcast()
        }
        while self.round == round { condition.wait() }
        return exchanged  // the next round cannot end before this thread takes part in it
      }
    }

    func transport(_ rank: Int) -> ProcessGroup.Transport {
      @Sendable func sum<E: FloatingPoint & Sendable>(_ values: UnsafeMutableBufferPointer<E>) -> String? {
        let parts = self.all(rank, Array(UnsafeRawBufferPointer(values)))
        guard parts.allSatisfy({ $0.count == parts[0].count }) else { return "different sizes" }
        for index in values.indices {
          values[index] = parts.reduce(0) { sum, part in
            sum + part.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: index * MemoryLayout<E>.stride, as: E.self) }
          }
        }
        return nil
      }
      return ProcessGroup.Transport(
        sumFloats: { sum($0) }, beginSum: { sum($0) }, progress: { nil }, endSums: { nil }, sumDoubles: { sum($0) },
        broadcast: { bytes, root in
          let all = self.all(rank, Array(bytes))
          bytes.copyBytes(from: all[root])
          return nil
        },
        gather: { own, bytes in
          bytes.copyBytes(from: self.all(rank, Array(own)).flatMap { $0 })
          return nil
        },
        finish: {}, abort: { _ in })
    }
  }
}
