import Flux
import Foundation
import Models
import TestSupport
import Testing

/// An MPI of the machine, with the plugin compiled for it.
enum MPI {
  /// Whether mpirun, and mpicc for the plugin, are there.
  static let isInstalled = ["mpirun", "mpicc"].allSatisfy { name in
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    return folders.contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") }
  }

  /// The command that starts `count` processes, on however many cores.
  static func launcher(_ count: Int) -> [String] {
    ["mpirun", "--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "-n", "\(count)"]
  }

  /// Compiles the plugin into a folder.
  static func buildPlugin(in folder: URL) throws {
    let process = Process()
    process.executableURL = Project.root.appendingPathComponent("Scripts/mpi/build")
    process.arguments = [folder.path]
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
  }

  /// The second process that mpirun started on this machine; mpirun itself if there is none.
  static func secondProcess(of mpirun: pid_t) -> pid_t {
    let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(mpirun)/task")) ?? []
    let children = tasks.flatMap { task in
      ((try? String(contentsOfFile: "/proc/\(mpirun)/task/\(task)/children", encoding: .utf8)) ?? "")
        .split(separator: " ").compactMap { pid_t($0) }
    }
    return children.sorted().dropFirst().first ?? mpirun
  }
}

@Suite(.serialized, .enabled(if: MPI.isInstalled, "mpirun and mpicc are not installed (libopenmpi-dev, openmpi-bin)"))
struct DistributedTests {
  private let run = [
    "train", "--preset", "tiny", "--steps", "20", "--batch", "32", "--threads", "1", "--save-every", "2",
    "--pool-size", "64", "--sample-every", "0",
  ]

  /// Runs `body` in a folder, with the variables that name a plugin in it.
  private func withPlugin(_ body: (URL, [String: String]) throws -> Void) throws {
    try Project.inTemporaryFolder { folder in
      let place = folder.appendingPathComponent("plugin")
      try MPI.buildPlugin(in: place)
      try body(folder, ["FLUX_MPI": place.appendingPathComponent("libflux_mpi.so").path])
    }
  }

  private func expectEqualModels(_ one: URL, _ two: URL) throws {
    let models = try [one, two].map { try ModelBundle(directory: $0.appendingPathComponent("model")) }
    for (a, b) in zip(models[0].unet.parameters, models[1].unet.parameters) {
      expectClose(b.tensor, a.tensor, atol: 2e-3, a.key)
    }
  }

  /// A killed process ends the run, and four continue what two began; the end is that of a single process.
  @Test func aKilledProcessLeavesACheckpointForAnyNumber() throws {
    try withPlugin { folder, environment in
      let single = try Program.run(run + ["--output", "one", "--quiet"], in: folder)
      #expect(single.code == 0, "\(single.errors)")
      let killed = try Program.run(
        run + ["--output", "many"], in: folder, launcher: MPI.launcher(2), environment: environment, signal: SIGKILL,
        whenThereIs: "many/checkpoint-00000004", receiver: MPI.secondProcess)
      #expect(killed.code != 0 && !killed.errors.contains("steps are done"))
      #expect(killed.errors.contains("20 steps on cpu in 2 processes"), "\(killed.errors)")
      #expect(killed.errors.contains("The same command continues, with any number of processes"), "\(killed.errors)")
      let rest = try Program.run(
        run + ["--output", "many"], in: folder, launcher: MPI.launcher(4), environment: environment)
      #expect(rest.code == 0 && rest.output.hasSuffix("many/model\n"), "\(rest.errors)")
      #expect(rest.output.split(separator: "\n").count == 1)  // of one process
      #expect(rest.errors.contains("continues after step "))
      let names = try FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent("many").path)
      #expect(names.allSatisfy { !$0.hasPrefix(".") }, "\(names)")
      try expectEqualModels(folder.appendingPathComponent("one"), folder.appendingPathComponent("many"))
    }
  }

  @Test(arguments: [2, 4]) func theModelIsThatOfOneProcess(_ count: Int) throws {
    try withPlugin { folder, environment in
      for (name, launcher) in [("one", []), ("many", MPI.launcher(count))] {
        let result = try Program.run(
          run + ["--output", name, "--quiet"], in: folder, launcher: launcher, environment: environment)
        #expect(result.code == 0, "\(result.errors)")
      }
      try expectEqualModels(folder.appendingPathComponent("one"), folder.appendingPathComponent("many"))
    }
  }

  /// One sentence, of the process that has something to say.
  @Test func anErrorIsOneSentence() throws {
    try withPlugin { folder, environment in
      let uneven = try Program.run(
        run + ["--output", "run", "--batch", "24"], in: folder, launcher: MPI.launcher(4), environment: environment)
      #expect(uneven.code != 0, "\(uneven.errors)")
      #expect(uneven.errors.components(separatedBy: "cannot share equally").count == 2, "\(uneven.errors)")
      #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("run").path))
      let missing = try Program.run(
        run + ["--output", "run"], in: folder, launcher: MPI.launcher(2), environment: ["FLUX_MPI": "nowhere.so"])
      #expect(missing.code != 0 && missing.errors.contains("run make mpi"), "\(missing.errors)")
      let lone = try Program.run(
        run + ["--output", "run", "--dry-run"], in: folder, launcher: MPI.launcher(2), environment: environment)
      #expect(lone.code != 0 && lone.errors.contains("--dry-run runs in one process, and mpirun started 2"))
    }
  }

  /// Processes that can reach each other only through a cable between two networks.
  @Test(.enabled(if: TwoNetworks.arePossible, "network namespaces need root and ip (iproute2)"))
  func twoNetworksTrainTogether() throws {
    try withPlugin { folder, environment in
      let networks = try TwoNetworks(in: folder)
      defer { networks.remove() }
      let result = try Program.run(
        run + ["--output", "two"], in: folder, launcher: networks.launcher, environment: environment)
      #expect(result.code == 0 && result.errors.contains("in 2 processes"), "\(result.errors)")
      let received = try networks.bytesReceived()
      #expect(received > 20 * 100_000, "\(received) bytes came through the cable")
      let single = try Program.run(run + ["--output", "one", "--quiet"], in: folder)
      #expect(single.code == 0, "\(single.errors)")
      try expectEqualModels(folder.appendingPathComponent("one"), folder.appendingPathComponent("two"))
    }
  }

  @Test func aRequestToStopSavesAndSaysSo() throws {
    try withPlugin { folder, environment in
      let long = [
        "train", "--preset", "tiny", "--steps", "500000", "--batch", "32", "--save-every", "2", "--quiet",
        "--threads", "1", "--output", "run",
      ]
      // To one of the processes: mpirun itself would kill them after a second.
      let result = try Program.run(
        long, in: folder, launcher: MPI.launcher(2), environment: environment, signal: SIGTERM,
        whenThereIs: "run/checkpoint-00000002", receiver: MPI.secondProcess)
      #expect(result.errors.contains(/stopped and saved after step \d+ of 500000; the same command continues/))
    }
  }
}
