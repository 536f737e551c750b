import ArgumentParser
import Torch

/// What both benchmarks ask: where to compute, how exactly, and how to say it.
struct BenchOptions: ParsableArguments {
  @Option(help: "Precision of matrix products: float32 or bfloat16.") var precision: Precision = .float32
  @Option(help: "Where to compute: cpu, cuda or cuda:N.") var device: String = "cpu"
  @Option(help: "CPU threads (default: all cores).") var threads: Int?
  @Flag(help: "Print JSON.") var json = false

  func validate() throws {
    if let threads, threads < 1 { throw ValidationError("--threads \(threads) must be at least 1") }
  }

  /// The device, after the threads are set.
  func begin() throws -> Device {
    if let threads { Libtorch.threads = threads }
    return try Device(flag: device)
  }
}
