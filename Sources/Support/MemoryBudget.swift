import Foundation

/// A limit on the bytes that several threads use together: work that would exceed it waits.
///
/// Unchecked because the number is only touched under the lock.
public final class MemoryBudget: @unchecked Sendable {
  /// Size of the budget in bytes.
  public let limit: Int
  private let condition = NSCondition()
  private var used = 0

  /// A budget of `limit` bytes, none of them in use.
  public init(_ limit: Int) { self.limit = limit }

  /// Runs `body` as soon as `bytes` are free; work larger than the budget runs alone.
  ///
  /// `body` must not request bytes of the same budget, which could deadlock.
  public func with<Result, Failure: Error>(
    _ bytes: Int, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let share = min(max(bytes, 0), limit)
    condition.lock()
    while used + share > limit { condition.wait() }
    used += share
    condition.unlock()
    defer {
      condition.lock()
      used -= share
      condition.broadcast()
      condition.unlock()
    }
    return try body()
  }
}
