import Foundation
import Support

/// The processes that train one model together, and what they tell each other.
///
/// A collective operation returns in every process once all of them have called it, and with the same bits in all of them.
/// All processes must therefore call the same ones in the same order. A single process is a group, too: its operations
/// return at once. A broken connection ends the program with a sentence.
public struct ProcessGroup: Sendable {
  /// The collective operations of a library, in place; each returns a description of its failure, or nil.
  public struct Transport: Sendable {
    /// The sum over the processes of each float.
    public var sumFloats: @Sendable (UnsafeMutableBufferPointer<Float>) -> String?
    /// Begins a sum of each float; the memory must stay as it is until `endSums`.
    public var beginSum: @Sendable (UnsafeMutableBufferPointer<Float>) -> String?
    /// Lets sums that were begun go on; libraries do so only while they are called.
    public var progress: @Sendable () -> String?
    /// Waits for all sums that were begun.
    public var endSums: @Sendable () -> String?
    /// The sum over the processes of each double.
    public var sumDoubles: @Sendable (UnsafeMutableBufferPointer<Double>) -> String?
    /// Copies the bytes of one process to the others.
    public var broadcast: @Sendable (UnsafeMutableRawBufferPointer, _ root: Int) -> String?
    /// Joins equally many bytes of each process, by rank.
    public var gather: @Sendable (UnsafeRawBufferPointer, _ all: UnsafeMutableRawBufferPointer) -> String?
    /// Leaves the group, when all processes do.
    public var finish: @Sendable () -> Void
    /// Ends all processes of the group.
    public var abort: @Sendable (_ code: Int32) -> Void

    /// A transport from its operations.
    public init(
      sumFloats: @escaping @Sendable (UnsafeMutableBufferPointer<Float>) -> String?,
      beginSum: @escaping @Sendable (UnsafeMutableBufferPointer<Float>) -> String?,
      progress: @escaping @Sendable () -> String?, endSums: @escaping @Sendable () -> String?,
      sumDoubles: @escaping @Sendable (UnsafeMutableBufferPointer<Double>) -> String?,
      broadcast: @escaping @Sendable (UnsafeMutableRawBufferPointer, _ root: Int) -> String?,
      gather: @escaping @Sendable (UnsafeRawBufferPointer, _ all: UnsafeMutableRawBufferPointer) -> String?,
      finish: @escaping @Sendable () -> Void, abort: @escaping @Sendable (_ code: Int32) -> Void
    ) {
      (self.sumFloats, self.sumDoubles, self.broadcast, self.gather) = (sumFloats, sumDoubles, broadcast, gather)
      (self.beginSum, self.progress, self.endSums) = (beginSum, progress, endSums)
      (self.finish, self.abort) = (finish, abort)
    }
  }

  /// This process, 0 ..< `count`; process 0 writes the files of a run.
  public let rank: Int
  /// Number of processes.
  public let count: Int
  let transport: Transport?

  /// A process that trains alone.
  public static let single = ProcessGroup()

  private init() { (rank, count, transport) = (0, 1, nil) }

  /// A group of `count` processes, of which this one is number `rank`.
  public init(rank: Int, count: Int, transport: Transport) {
    precondition(count > 0 && (0..<count).contains(rank), "rank \(rank) of \(count) processes")
    (self.rank, self.count, self.transport) = (rank, count, transport)
  }

  /// Whether this process writes the files and messages of the group.
  public var isFirst: Bool { rank == 0 }

  /// Leaves the group at the end of the program; all processes must do so.
  public func finish() { transport?.finish() }

  /// Ends all processes of the group after an error in this one.
  public func abort(code: Int32) { transport?.abort(code) }

  // MARK: - Numbers

  /// The sums over the processes of each value.
  public func sum(_ values: [Double]) -> [Double] {
    guard let transport, count > 1, !values.isEmpty else { return values }
    var sums = values
    check(sums.withUnsafeMutableBufferPointer { transport.sumDoubles($0) })
    return sums
  }

  /// Whether the flag is set in any process.
  public func any(_ flag: Bool) -> Bool { count == 1 ? flag : sum([flag ? 1 : 0])[0] > 0 }

  /// The first process in which the flag is set; nil if there is none.
  public func first(where flag: Bool) -> Int? {
    var flags = [Double](repeating: 0, count: count)
    flags[rank] = flag ? 1 : 0
    return sum(flags).firstIndex { $0 > 0 }
  }

  /// The means over the processes of values by name; all processes must have the same names.
  public func mean(_ values: [String: Double]) -> [String: Double] {
    guard count > 1 else { return values }
    let names = values.keys.sorted()
    let sums = sum(names.map { values[$0] ?? 0 })
    return Dictionary(uniqueKeysWithValues: zip(names, sums.map { $0 / Double(count) }))
  }

  // MARK: - Bytes

  /// Equally many bytes of each process, by rank.
  public func gathered(_ bytes: [UInt8]) -> [[UInt8]] {
    guard let transport, count > 1 else { return [bytes] }
    var all = [UInt8](repeating: 0, count: bytes.count * count)
    let problem = bytes.withUnsafeBytes { own in all.withUnsafeMutableBytes { transport.gather(own, $0) } }
    check(problem)
    return (0..<count).map { Array(all[$0 * bytes.count..<($0 + 1) * bytes.count]) }
  }

  /// The bytes of process `root`, whatever the other processes pass.
  public func broadcast(_ bytes: [UInt8], from root: Int = 0) -> [UInt8] {
    guard count > 1 else { return bytes }
    var size = [UInt64(bytes.count)]
    size.withUnsafeMutableBytes { broadcast($0, from: root) }
    var result = rank == root ? bytes : [UInt8](repeating: 0, count: Int(size[0]))
    result.withUnsafeMutableBytes { broadcast($0, from: root) }
    return result
  }

  func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) {
    guard let transport, count > 1, !bytes.isEmpty else { return }
    check(transport.broadcast(bytes, root))
  }

  /// Waits until all processes have come here.
  public func barrier() { _ = sum([0]) }

  /// Ends the program if an operation failed: no process can go on without the others.
  func check(_ problem: String?) {
    guard let problem else { return }
    Console.say(
      "flux: process \(rank + 1) of \(count) lost the others (\(problem)): the newest checkpoint is kept, and the same "
        + "command continues it with any number of processes")
    AtomicFile.removeTemporaries()
    transport?.abort(1)
    _exit(1)
  }
}

// Errors in one process, which the others have to know of.
extension ProcessGroup {
  /// Runs `body` in every process; an error in one is an error in all.
  ///
  /// The first process in which it failed throws its error as a `SharedError`; the others throw
  /// `ProcessGroupError.elsewhere`. A single process throws the error itself.
  public func together<R>(_ body: () throws -> R) throws -> R {
    guard count > 1 else { return try body() }
    let result = Result { try body() }
    var error: (any Error)?
    if case .failure(let failure) = result { error = failure }
    guard let reporter = first(where: error != nil) else { return try result.get() }
    if reporter == rank, let error { throw SharedError(error) }
    throw ProcessGroupError.elsewhere(reporter)
  }

  /// Runs `body` in process 0; its error is an error in all.
  public func inFirst(_ body: () throws -> Void) throws {
    try together { if isFirst { try body() } }
  }

  /// Throws an error that all processes have found, in the first one; the others throw `ProcessGroupError.elsewhere`.
  public func failure(_ error: any Error, reportedBy reporter: Int = 0) -> any Error {
    if count == 1 { return error }
    return reporter == rank ? SharedError(error) : ProcessGroupError.elsewhere(reporter)
  }
}

/// An error that all processes of a group know of, and that this one has to report.
public struct SharedError: Error, CustomStringConvertible {
  /// What went wrong.
  public let error: any Error

  /// Wraps the error.
  public init(_ error: any Error) { self.error = error }

  public var description: String { "\(error)" }
}
