import ArgumentParser
import Distributed
import Flux
import Foundation

/// How the processes of a run find each other.
enum Distribution: String, ExpressibleByArgument, CaseIterable {
  /// By MPI, through the plugin that `make mpi` builds.
  case mpi
  /// Not at all: each process trains alone.
  case none
}

extension ProcessGroup {
  /// The processes that a launcher started; a single one without launcher, unless MPI is asked for.
  static func joined(_ choice: Distribution?) throws(ProcessGroupError) -> ProcessGroup {
    let launcher = Launcher(ProcessInfo.processInfo.environment)
    guard choice == .mpi || (choice == nil && launcher != nil) else { return .single }
    return try MPIPlugin.join(plugins, launcher: launcher)
  }

  /// Throws if several processes were started for something that one process does.
  static func requireSingle(_ what: String, _ choice: Distribution?) throws(Failure) {
    guard choice != Distribution.none, let launcher = Launcher(ProcessInfo.processInfo.environment) else { return }
    throw Failure("\(what) runs in one process, and \(launcher.name) started \(launcher.count): start one", code: 2)
  }

  /// Where the plugin may lie: `FLUX_MPI`, the build's folder, or an installation's.
  private static var plugins: [URL] {
    let given = ProcessInfo.processInfo.environment["FLUX_MPI"] ?? ""
    if !given.isEmpty { return [URL(fileURLWithPath: given)] }
    return [".deps/mpi", "lib"].map { Installation.root.appendingPathComponent("\($0)/libflux_mpi.so") }
  }

  /// Runs a command of the group and leaves the group.
  ///
  /// An error that all processes know of is written by the one that reports it. Any other error ends all processes.
  func concluding(_ body: () throws -> Void) throws {
    if count == 1 {
      defer { finish() }
      return try body()
    }
    do {
      try body()
    } catch let code as ExitCode {
      finish()
      throw code
    } catch ProcessGroupError.elsewhere {
      finish()
      throw ExitCode(1)
    } catch let error as SharedError {
      let code = report(error.error)
      finish()
      throw code
    } catch {
      let code = report(error)
      abort(code: code.rawValue)
      throw code
    }
    finish()
  }

  /// Writes what went wrong, and in which process if it is not the first.
  private func report(_ error: any Error) -> ExitCode {
    let (text, code) = FluxCommand.sentence(about: error)
    say("flux: \(isFirst ? "" : "process \(rank + 1) of \(count): ")\(text)")
    return ExitCode(code)
  }
}
