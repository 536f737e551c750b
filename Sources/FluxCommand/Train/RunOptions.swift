import ArgumentParser
import Flux
import Models
import Torch

/// How long and where `flux train` computes, and what it writes.
struct RunOptions: ParsableArguments {
  @Option(name: .shortAndLong, help: "Folder of the run.") var output: FilePath
  @Option(help: "Training steps over all stages (default: the profile's).") var steps: Int?
  @Option(help: "Pictures in a U-Net step (default: the profile's).") var batch: Int?
  @Option(help: "Pieces that a batch is cut into, for less memory.") var accumulate: Int = 1
  @Flag(help: "Compute layers again for the gradients instead of keeping what is inside them: less memory, more time.")
  var gradientCheckpointing = false
  @Option(name: .shortAndLong, help: "Seed of everything random.") var seed: UInt64 = 0
  @Option(help: "Folder that keeps what the frozen encoders make, for runs that are continued or begin alike.")
  var cache: FilePath?
  @Option(help: "Steps between checkpoints.") var saveEvery: Int = 200
  @Option(help: "Checkpoints that are kept.") var keep: Int = 2
  @Flag(help: "Leave the optimisers' moments, half of a checkpoint, out of it: the rate then rises again.")
  var noMoments = false
  @Option(help: "Largest file of a checkpoint, in MiB.") var shardSize: Int = WeightSet.shardLimit >> 20
  @Option(help: "Steps between drawings of eight captions of the data (samples.png, and in TensorBoard); 0 is never.")
  var sampleEvery: Int = 1000
  @Option(help: "Save and end in time, to be continued by the same command: 90s, 9m, 1h30m.") var timeLimit: TimeLimit?
  @Option(help: "Precision of matrix products: float32, or bfloat16 (faster where the CPU has AVX512-BF16).")
  var precision: Precision = .float32
  @Option(help: "How the model directory stores weights: float32, bfloat16 or int8.") var storage: Quantisation =
    .float32
  @Option(help: "Where to compute: cpu, cuda or cuda:N.") var device: String = "cpu"
  @Option(help: "CPU threads (default: all cores).") var threads: Int?
  @OptionGroup var convolutions: ConvolutionOptions
  @Flag(help: "Print sizes, and a forecast of memory and time from a few steps that are not kept; then stop.")
  var dryRun = false
  @Flag(name: .shortAndLong, help: "No progress.") var quiet = false

  func validate() throws {
    if let steps, steps < 20 { throw ValidationError("--steps \(steps) is too few: give at least 20") }
    if let batch, batch < 2 { throw ValidationError("--batch \(batch) is too small: give at least 2") }
    if accumulate < 1 { throw ValidationError("--accumulate \(accumulate) must be at least 1") }
    if saveEvery < 1 { throw ValidationError("--save-every \(saveEvery) must be at least 1") }
    if sampleEvery < 0 { throw ValidationError("--sample-every \(sampleEvery) must not be negative") }
    if shardSize < 1 { throw ValidationError("--shard-size \(shardSize) must be at least 1") }
    if keep < 1 { throw ValidationError("--keep \(keep) must be at least 1") }
    try ThreadCount.check(threads)
  }
}

/// How training computes convolutions on a CPU.
struct ConvolutionOptions: ParsableArguments {
  @Flag(
    inversion: .prefixedNo,
    help: "Compute 3×3 convolutions on a CPU by Winograd's algorithm (default: in float32 where it is faster).")
  var winograd: Bool?
}

/// What matrix products are computed in; weights and sums stay in float32.
enum Precision: String, ExpressibleByArgument, CaseIterable { case float32, bfloat16 }

extension Quantisation: ExpressibleByArgument {}
