import Foundation

/// The MPI plugin, a small library that `make mpi` compiles with the MPI of the machine.
///
/// The program itself is built without MPI: the values of MPI's handles and types differ between its implementations, so
/// that only a library compiled against one of them can call it.
public enum MPIPlugin {
  private typealias Start = @convention(c) (UnsafeMutablePointer<Int32>, UnsafeMutablePointer<Int32>) -> Message
  private typealias SumFloats = @convention(c) (UnsafeMutablePointer<Float>?, Int) -> Message
  private typealias SumDoubles = @convention(c) (UnsafeMutablePointer<Double>?, Int) -> Message
  private typealias Broadcast = @convention(c) (UnsafeMutableRawPointer?, Int, Int32) -> Message
  private typealias Gather = @convention(c) (UnsafeRawPointer?, UnsafeMutableRawPointer?, Int) -> Message
  private typealias Wait = @convention(c) () -> Message
  private typealias Finish = @convention(c) () -> Void
  private typealias Abort = @convention(c) (Int32) -> Void
  /// A sentence about a failure; NULL if there is none.
  private typealias Message = UnsafePointer<CChar>?

  /// Loads the first plugin that exists and joins the processes of the launcher.
  ///
  /// Throws if there is no plugin, if its MPI does not start, or if the launcher counts other processes than MPI does.
  public static func join(_ candidates: [URL], launcher: Launcher?) throws(ProcessGroupError) -> ProcessGroup {
    guard let file = candidates.first(where: { FileManager.default.fileExists(atPath: $0.path) }) else {
      throw .noPlugin(candidates.map(\.path))
    }
    // Its dependencies become global: MPI's own plugins look for symbols there.
    guard let library = dlopen(file.path, RTLD_NOW | RTLD_GLOBAL) else {
      throw .unusablePlugin(path: file.path, reason: dlerror().map { String(cString: $0) } ?? "unknown")
    }
    func symbol<F>(_ name: String, as type: F.Type) throws(ProcessGroupError) -> F {
      guard let address = dlsym(library, "flux_mpi_\(name)") else {
        throw .unusablePlugin(path: file.path, reason: "it has no \(name)")
      }
      return unsafeBitCast(address, to: type)
    }
    let functions = Functions(
      sumFloats: try symbol("sum_floats", as: SumFloats.self),
      beginSum: try symbol("begin_sum", as: SumFloats.self), progress: try symbol("progress", as: Wait.self),
      endSums: try symbol("end_sums", as: Wait.self),
      sumDoubles: try symbol("sum_doubles", as: SumDoubles.self),
      broadcast: try symbol("broadcast", as: Broadcast.self), gather: try symbol("gather", as: Gather.self),
      finish: try symbol("finish", as: Finish.self), abort: try symbol("abort", as: Abort.self))
    var (rank, count): (Int32, Int32) = (0, 1)
    if let problem = text(try symbol("start", as: Start.self)(&rank, &count)) { throw .noStart(problem) }
    if let launcher, launcher.count != Int(count) {
      functions.finish()
      throw .otherCount(launcher: launcher.name, expected: launcher.count, found: Int(count))
    }
    return ProcessGroup(rank: Int(rank), count: Int(count), transport: functions.transport)
  }

  private static func text(_ message: Message) -> String? { message.map { String(cString: $0) } }

  /// Unchecked because pointers to functions do not change, and only the thread that trains calls them.
  private struct Functions: @unchecked Sendable {
    let sumFloats: SumFloats
    let beginSum: SumFloats
    let progress: Wait
    let endSums: Wait
    let sumDoubles: SumDoubles
    let broadcast: Broadcast
    let gather: Gather
    let finish: Finish
    let abort: Abort

    var transport: ProcessGroup.Transport {
      ProcessGroup.Transport(
        sumFloats: { text(self.sumFloats($0.baseAddress, $0.count)) },
        beginSum: { text(self.beginSum($0.baseAddress, $0.count)) }, progress: { text(self.progress()) },
        endSums: { text(self.endSums()) },
        sumDoubles: { text(self.sumDoubles($0.baseAddress, $0.count)) },
        broadcast: { bytes, root in text(self.broadcast(bytes.baseAddress, bytes.count, Int32(root))) },
        gather: { own, all in text(self.gather(own.baseAddress, all.baseAddress, own.count)) },
        finish: { self.finish() }, abort: { self.abort($0) })
    }
  }
}
