import Testing

@testable import Distributed

@Suite struct LauncherTests {
  @Test(
    arguments: [
      (["OMPI_COMM_WORLD_SIZE": "2", "PMI_SIZE": "3"], Launcher(name: "mpirun", count: 2)),
      (["PMI_SIZE": "4"], Launcher(name: "mpiexec", count: 4)),
      (["SLURM_NTASKS": "8", "SLURM_STEP_ID": "0"], Launcher(name: "Slurm", count: 8)),
    ] as [([String: String], Launcher)])
  func theLauncherIsKnownByItsVariables(_ environment: [String: String], _ launcher: Launcher) {
    #expect(Launcher(environment) == launcher)
  }

  /// A script that sbatch runs has the number of tasks, too, but is one process.
  @Test(
    arguments: [
      [:], ["OMPI_COMM_WORLD_SIZE": "1"], ["SLURM_NTASKS": "8"], ["SLURM_NTASKS": "1", "SLURM_STEP_ID": "0"],
      ["PMI_SIZE": "many"],
    ] as [[String: String]])
  func aProcessMayBeAlone(_ environment: [String: String]) {
    #expect(Launcher(environment) == nil)
  }

  @Test func aMissingPluginIsNamedWithWhatToInstall() {
    let error = #expect(throws: ProcessGroupError.self) { try MPIPlugin.join([], launcher: nil) }
    #expect(error?.description.contains("libopenmpi-dev") == true && error?.description.contains("make mpi") == true)
  }
}
