import Foundation

/// Bytes that several threads share: what would exceed them waits for others to end.
///
/// Unchecked because the number is only touched under the lock.
public final class MemoryBudget: @unchecked Sendable {
  public let limit: Int
  private let condition = NSCondition()
  private var used = 0

  public init(_ limit: Int) { self.limit = limit }

  /// Runs `body` as soon as `bytes` are free; what is larger than the budget runs alone.
  ///
  /// `body` must not ask for more of the same budget: it could wait for itself.
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
