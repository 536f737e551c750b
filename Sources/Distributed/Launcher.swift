/// What started several processes of the program, by the variables that it sets.
public struct Launcher: Equatable, Sendable {
  /// Its name in messages.
  public let name: String
  /// Number of processes.
  public let count: Int

  /// The launcher of this process; nil if it was started alone.
  ///
  /// Open MPI's mpirun sets OMPI_COMM_WORLD_SIZE; MPICH's and Intel MPI's mpiexec set PMI_SIZE; srun sets SLURM_NTASKS and,
  /// unlike sbatch for its script, SLURM_STEP_ID.
  public init?(_ environment: [String: String]) {
    func number(_ name: String) -> Int? { environment[name].flatMap { Int($0) } }
    if let count = number("OMPI_COMM_WORLD_SIZE") {
      self.init(name: "mpirun", count: count)
    } else if let count = number("PMI_SIZE") {
      self.init(name: "mpiexec", count: count)
    } else if number("SLURM_STEP_ID") != nil, let count = number("SLURM_NTASKS") {
      self.init(name: "Slurm", count: count)
    } else {
      return nil
    }
    if count < 2 { return nil }
  }

  init(name: String, count: Int) {
    (self.name, self.count) = (name, count)
  }
}
