/// An error of a group of processes.
public enum ProcessGroupError: Error, CustomStringConvertible, Sendable, Equatable {
  /// Another process, whose rank this is, reports what went wrong.
  case elsewhere(Int)
  /// There is no plugin at any of these paths.
  case noPlugin([String])
  /// The plugin or a library that it needs cannot be loaded.
  case unusablePlugin(path: String, reason: String)
  /// MPI does not start.
  case noStart(String)
  /// The launcher started so many processes, and MPI knows of so many.
  case otherCount(launcher: String, expected: Int, found: Int)

  public var description: String {
    switch self {
    case .elsewhere(let rank): "process \(rank + 1) reports an error that ended the run"
    case .noPlugin(let paths):
      "training on several processes needs the MPI plugin, which is not there (\(paths.joined(separator: ", "))): install "
        + "an MPI (Debian: apt-get install libopenmpi-dev openmpi-bin), and run make mpi"
    case .unusablePlugin(let path, let reason):
      "the MPI plugin \(path) cannot be loaded (\(reason)): install the MPI it was built with, or run make mpi again"
    case .noStart(let reason): "MPI does not start: \(reason)"
    case .otherCount(let launcher, let expected, let found):
      "\(launcher) started \(expected) processes, and MPI knows of \(found): "
        + (launcher == "Slurm"
          ? "start them with srun --mpi=pmix, or give --distributed none to train in one process"
          : "build the plugin with the MPI that starts them (make mpi)")
    }
  }
}
