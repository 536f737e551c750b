import ArgumentParser
import Flux
import Foundation
import Models
import NN
import Torch

/// `flux bench unet`: the time of one evaluation of a U-Net, for comparison with other programs on the same weights.
struct BenchUNet: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unet", abstract: "Times one evaluation of a U-Net on random latents; nothing is saved.",
    discussion: """
      --model takes the directory of a model, or of a U-Net in diffusers' layout (config.json and \
      diffusion_pytorch_model.safetensors).
      """)

  @Option(
    name: [.short, .long], help: "A model or U-Net directory, or the name of a bundled model (default: midi).",
    completion: Completions.models)
  var model: FilePath?
  @Option(help: "Number of latents that are denoised together; 2 is one image with guidance.") var batch: Int = 2
  @Option(help: "Height and width of the latents (default: those of the U-Net's configuration).") var size: Int?
  @Option(help: "Number of tokens of the text conditioning.") var tokens: Int = 32
  @Option(help: "Number of evaluations to time, after three that are not timed.") var rounds: Int = 20
  @OptionGroup var options: BenchOptions

  /// The result as JSON shows it.
  struct Result: Codable {
    /// Statistics of the evaluations.
    struct Milliseconds: Codable {
      let median: Double
      let minimum: Double
    }
    let milliseconds: Milliseconds
    /// Of the fastest evaluation.
    let gigaflopsPerSecond: Double
    /// Of one evaluation, for the whole batch; a multiply-add counts as two.
    let gigaflops: Double
    let parameters: Int
    let batch: Int
    let size: Int
    let threads: Int
    let precision: String
    let device: String
  }

  func validate() throws {
    try CountLimit.check("--batch", batch, to: CountLimit.batch)
    try CountLimit.check("--rounds", rounds, to: CountLimit.images)
    if !TokenLimit.range.contains(tokens) {
      throw ValidationError(
        "--tokens \(tokens) must be \(TokenLimit.range.lowerBound) to \(TokenLimit.range.upperBound)")
    }
    if let size, !(1...1024).contains(size) { throw ValidationError("--size \(size) must be 1 to 1024") }
  }

  func run() throws {
    let device = try options.begin()
    let unet = try loadUNet()
    let parameters = unet.parameterCount
    unet.move(to: device)
    if options.precision == .bfloat16 { unet.convert(to: .bfloat16) }
    if Libtorch.packsWeights { unet.prepareForInference() }
    if device != .cpu { Libtorch.triesConvolutions(true) }
    let c = unet.configuration
    guard c.additionEmbedType == nil else {
      throw Failure("this U-Net embeds image sizes, which flux bench unet does not pass")
    }
    let side = size ?? c.sampleSize ?? 16
    let least = c.downsamplePadding == 0 ? 1 << (c.blockOutChannels.count - 1) : 1
    guard side >= least else {
      throw Failure("--size \(side) is too small: this U-Net halves its latents to nothing below \(least)", code: 2)
    }
    let generator = Generator(seed: 1)
    func random(_ shape: [Int]) -> Tensor { Tensor.randn(shape, generator: generator).to(device) }
    let sample = random([batch, c.inChannels, side, side]).channelsLast()
    let time = Tensor.full([batch], 500, device: device)
    let context = random([batch, tokens, c.crossAttentionDim])
    let labels = c.classEmbedType == nil ? nil : random([batch, c.projectionClassEmbeddingsInputDim ?? 0])
    var seconds: [Double] = []
    withInference {
      for round in 0..<rounds + 3 {
        let begun = ContinuousClock.now
        _ = unet(sample, timesteps: time, context: context, contextMask: nil, classLabels: labels)
        device.synchronize()
        let taken = begun.duration(to: .now)
        if round >= 3 { seconds.append(taken / .seconds(1)) }
      }
    }
    seconds.sort()
    let flops = Double(batch * c.flops(height: side, width: side, tokens: tokens))
    let result = Result(
      milliseconds: .init(median: seconds[seconds.count / 2] * 1000, minimum: seconds[0] * 1000),
      gigaflopsPerSecond: flops / seconds[0] / 1e9, gigaflops: flops / 1e9, parameters: parameters,
      batch: batch, size: side, threads: Libtorch.threads, precision: "\(options.precision)",
      device: options.device)
    if options.json { return try Bench.printJSON(result) }
    try printLine(
      "\(result.parameters) parameters, batch \(batch), latents \(side)×\(side), \(options.precision), on "
        + "\(options.device), \(result.threads) thread\(result.threads == 1 ? "" : "s")")
    try Bench.line("median", result.milliseconds.median, "ms")
    try Bench.line("minimum", result.milliseconds.minimum, "ms")
    try Bench.line("throughput", result.gigaflopsPerSecond, "GFLOP/s in the fastest of \(rounds) evaluations")
  }

  /// The U-Net of a model, or of its own directory as diffusers saves one.
  private func loadUNet() throws -> UNet {
    if let model, FileManager.default.fileExists(atPath: model.path + "/config.json") {
      return try UNet.load(from: model.url)
    }
    let url = try Home.model(model)
    return StableDiffusionFiles.isStored(at: url)
      ? try StableDiffusionFiles(url).unet() : try UNet.load(from: url.appendingPathComponent("unet"))
  }
}
