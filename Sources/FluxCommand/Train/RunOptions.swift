import ArgumentParser
import Flux
import Models
import Torch

/// Length, compute and output of a training run.
struct RunOptions: ParsableArguments {
  @Option(name: .shortAndLong, help: "Folder of the run.") var output: FilePath
  @Option(
    help: "Training steps over all stages (default: the profile's; 1000 for a model of Stable Diffusion).")
  var steps: Int?
  @Option(help: "Batch size of the U-Net (default: the profile's; 1 for a model of Stable Diffusion).") var batch: Int?
  @Option(help: "Gradient accumulation: splits each batch into this many micro-batches.") var accumulate: Int = 1
  @Flag(help: "Recompute activations in the backward pass: less memory, more time.")
  var gradientCheckpointing = false
  @Option(name: .shortAndLong, help: "Random seed.") var seed: UInt64 = 0
  @Option(help: "Folder that caches latents and text embeddings across runs.")
  var cache: FilePath?
  @Option(help: "Steps between checkpoints.") var saveEvery: Int = 200
  @Option(help: "Number of checkpoints to keep.") var keep: Int = 2
  @Flag(help: "Save checkpoints without optimizer state: half the size, and a resumed run warms up again.")
  var noMoments = false
  @Option(help: "Maximum size of a checkpoint file, in MiB.") var shardSize: Int = WeightSet.shardLimit >> 20
  @Option(help: "Steps between sample images (samples.png and TensorBoard); 0 is never.")
  var sampleEvery: Int = 1000
  @Option(help: "Save and stop before this time is up; the same command continues (90s, 9m, 1h30m).")
  var timeLimit: TimeLimit?
  @Option(help: "Compute precision: float32, or bfloat16 (mixed precision).")
  var precision: Precision = .float32
  @Option(help: "Data type of the saved weights: float32, bfloat16 or int8.") var storage: Quantization = .float32
  @Option(help: "Device: cpu, cuda or cuda:N.", completion: Completions.devices) var device: String = "cpu"
  @Option(help: "CPU threads (default: all cores).") var threads: Int?
  @Option(
    help: """
      Processes that share each batch: mpi, or none for one process (default: mpi if mpirun, mpiexec or srun started \
      several). See docs/distributed.md.
      """)
  var distributed: Distribution?
  @OptionGroup var convolutions: ConvolutionOptions
  @Flag(help: "Print parameter counts and estimates of time and memory from a few test steps, then stop.")
  var dryRun = false
  @Option(
    help: """
      Also write the initial weights, and the inputs and losses of the first steps, to record/, to repeat them in another \
      program (pixel-example only).
      """)
  var recordSteps: Int?
  @Flag(name: .shortAndLong, help: "No progress output.") var quiet = false

  func validate() throws {
    if let steps, steps < 20 { throw ValidationError("--steps \(steps) is too few: give at least 20") }
    if sampleEvery < 0 { throw ValidationError("--sample-every \(sampleEvery) must not be negative") }
    try CountLimit.check("--steps", steps, to: CountLimit.steps)
    try CountLimit.check("--batch", batch, to: CountLimit.batch)
    try CountLimit.check("--accumulate", accumulate, to: CountLimit.batch)
    try CountLimit.check("--save-every", saveEvery, to: CountLimit.steps)
    try CountLimit.check("--keep", keep, to: CountLimit.steps)
    try CountLimit.check("--record-steps", recordSteps, to: 1000)
    try CountLimit.check("--shard-size", shardSize, to: CountLimit.shard)
    try ThreadCount.check(threads)
  }
}

extension RunOptions {
  /// Throws for a batch of one image, whose statistics Flux's own models and the pixel-space example cannot learn from.
  func requireSeveralImages() throws(Failure) {
    if let batch, batch < 2 { throw Failure("--batch \(batch) is too small: give at least 2", code: 2) }
  }
}

/// Convolution algorithm on the CPU.
struct ConvolutionOptions: ParsableArguments {
  @Flag(
    inversion: .prefixedNo,
    help: "Use Winograd convolutions on the CPU (default: in float32, if they are faster on this CPU).")
  var winograd: Bool?
}

extension Precision: ExpressibleByArgument {}

extension Quantization: ExpressibleByArgument {}
