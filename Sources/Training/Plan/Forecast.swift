import Flux
import Foundation
import Models
import NN
import Runs
import Scenes
import Support
import Torch

/// Estimates of a run's time and memory, from a few test steps of each stage or from the sizes of the networks.
public struct Forecast: Codable, Sendable {
  /// The estimate for one stage.
  public struct StageForecast: Codable, Sendable {
    /// The stage.
    public let stage: TrainingPlan.Stage
    /// Number of steps that the stage has.
    public let steps: Int
    /// Mean seconds of the steps that were timed after the first, or what they should take.
    public let secondsPerStep: Double
  }

  /// The stages that have steps, in order.
  public let stages: [StageForecast]
  /// Seconds to encode the images: to fill and renew the pool of the last stage.
  public let poolSeconds: Double
  /// Peak memory of the device in bytes, with the whole pool; on a CPU, that of the process.
  public let peakBytes: Int
  /// Number of parameters of each network, such as `autoencoder` and `unet`, and of a `lora` on them.
  public let parameters: [String: Int]
  /// Side of the images, in pixels.
  public let imageSize: Int
  /// The shapes of the images and how many have each, as a line of text; nil if all are square.
  public var buckets: String?

  /// Estimated seconds of the whole run.
  public var seconds: Double { stages.reduce(poolSeconds) { $0 + Double($1.steps) * $1.secondsPerStep } }

  /// The estimates as a table.
  public var text: String {
    let names = ["autoencoder", "text_encoder", "text_encoder_2", "adapter", "unet", "lora"]
    let parts = names.compactMap { name in parameters[name].map { "\(name) \($0)" } }
    let lines =
      ["parameters       \(parts.joined(separator: ", "))", "images           \(imageSize)×\(imageSize)"]
      + (buckets.map { ["buckets          \($0)"] } ?? [])
      + stages.map { stage in
        let name = stage.stage.name.padding(toLength: 16, withPad: " ", startingAt: 0)
        return "\(name) \(stage.steps) steps of \(Self.significant(stage.secondsPerStep)) s"
      }
      + ["time             \(Self.duration(seconds))", "peak memory      \(Self.gigabytes(peakBytes))"]
    return lines.joined(separator: "\n")
  }

  /// Writes `forecast.json` into the run folder, for the report at the end of the run.
  public func save(in folder: URL) throws {
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch { throw RunError.folder(folder.path) }
    try AtomicFile.write(Array(JSONEncoder().encode(self)) + [10], to: folder.appendingPathComponent(Self.name))
  }

  /// The measured peak memory, with the estimate of a dry run if there was one.
  public static func memoryReport(in folder: URL, _ device: Device) -> String {
    let foretold = (try? Data(contentsOf: folder.appendingPathComponent(name)))
      .flatMap { try? JSONDecoder().decode(Forecast.self, from: $0) }
    return "peak memory \(gigabytes(PeakMemory.bytes(of: device)))"
      + (foretold.map { " (forecast \(gigabytes($0.peakBytes)))" } ?? "")
  }

  private static let name = "forecast.json"

  private static func gigabytes(_ bytes: Int) -> String { String(format: "%.2f GB", Double(bytes) / 1e9) }

  private static func significant(_ value: Double) -> String { String(format: "%.3g", value) }

  private static func duration(_ seconds: Double) -> String {
    switch seconds {
    case ..<120: "\(Int(seconds.rounded())) s"
    case ..<7200: "\(Int(seconds / 60)) min"
    case ..<172_800: String(format: "%.1f h", seconds / 3600)
    default: String(format: "%.0f days", seconds / 86_400)
    }
  }
}

extension Trainer {
  /// Times a few steps of every stage, at most about twenty seconds each, on temporary networks.
  public static func forecast(
    _ plan: TrainingPlan, on data: TrainingData = .scenes(.small), regularization: TrainingData? = nil,
    from start: ModelBundle?, textEncoder: URL, device: Device, winograd: Bool? = nil
  ) throws -> Forecast {
    var small = plan
    small.poolSize = min(plan.poolSize, 64)
    small.poolRenewal = 0
    let trainer = try Trainer(
      small, on: data, regularization: regularization, from: start, textEncoder: textEncoder, device: device,
      winograd: winograd)
    trainer.detectsCollapse = false
    var poolSeconds = 0.0
    let stages = try TrainingPlan.Stage.allCases.filter { !plan.range(of: $0).isEmpty }.map { stage in
      let range = plan.range(of: stage)
      if stage == .diffusion {
        let begun = Date()
        _ = try trainer.pooled(range.lowerBound)
        let perImage = Date().timeIntervalSince(begun) / Double(max(small.poolSize, 1))
        poolSeconds = perImage * Double(plan.poolSize + min(plan.poolRenewal, plan.poolSize) * range.count)
      }
      _ = try trainer.train(range.lowerBound)  // the first step also allocates
      var (count, begun) = (0, Date())
      repeat {
        _ = try trainer.train(min(range.lowerBound + 1 + count, range.upperBound - 1))  // a stage may have one step
        device.synchronize()
        count += 1
      } while count < 5 && Date().timeIntervalSince(begun) < 20 && count + 1 < range.count
      return Forecast.StageForecast(
        stage: stage, steps: range.count, secondsPerStep: Date().timeIntervalSince(begun) / Double(count))
    }
    let c = plan.configuration
    let perImage =
      4 * c.autoencoder.latentChannels * c.latentSize * c.latentSize + 4 * c.adapter.maxTokens * c.adapter.inputWidth
    return Forecast(
      stages: stages, poolSeconds: poolSeconds,
      peakBytes: PeakMemory.bytes(of: device) + (plan.poolSize - small.poolSize) * perImage,
      parameters: trainer.parameterCounts, imageSize: c.imageSize, buckets: trainer.buckets)
  }

  /// Parameters of each network.
  var parameterCounts: [String: Int] {
    [
      "autoencoder": model.autoencoder.parameterCount, "adapter": model.adapter.parameterCount,
      "unet": model.unet.parameterCount,
    ]
  }

  /// One line about the shapes of the images; nil if all are square.
  var buckets: String? {
    (examples as? ImageExamples)?.bucketSummary?.text(cell: model.configuration.autoencoder.downsample)
  }

  /// A line about the networks and the run, and one about the shapes of the images if they are not all square.
  public var summary: String {
    let counts = parameterCounts
    let large = plan.superResolutionSide
    return "autoencoder \(counts["autoencoder"] ?? 0), adapter \(counts["adapter"] ?? 0), U-Net "
      + "\(counts["unet"] ?? 0) parameters\(networks.denoised.summary(plan)); images \(model.configuration.imageSize)×"
      + "\(model.configuration.imageSize)"
      + (plan.trainsFieldLevels ? ", for the super-resolution levels \(large)×\(large)" : "")
      + "; \(plan.steps) steps on \(device)"
      + (group.count > 1 ? " in \(group.count) processes" : "") + (buckets.map { "\nbuckets: \($0)" } ?? "")
  }
}

/// Throughput of the diffusion stage, the longest one.
public struct TrainingBenchmark: Codable, Sendable {
  /// Batch size of the diffusion stage.
  public let batch: Int
  /// Number of threads that libtorch computes with.
  public let threads: Int
  /// Steps per second with a fixed pool.
  public let networksOnly: Double
  /// Steps per second while the pool is renewed as in a run.
  public let withData: Double
  /// Fraction of the time spent waiting for images while the pool is renewed, 0…1.
  public let dataWait: Double
  /// Peak memory of the device in bytes; on a CPU, that of the process.
  public let peakBytes: Int
  /// Floating-point operations of the forward and backward passes of U-Net and adapter.
  public let flopsPerStep: Double
  /// TFLOP/s of `networksOnly`.
  public let teraflops: Double
  /// TFLOP/s of large matrix products in the same precision.
  public let matmulTeraflops: Double
  /// Where the time of further steps with renewal went, if asked for.
  public let profile: Profile?
  /// The sizes of the networks, for programs that train the same ones.
  public let configuration: Networks

  /// The number of steps in a profile beside `steps` timed ones.
  public static func profiledSteps(of steps: Int) -> Int { max(1, steps / 4) }

  /// `config.json` of each trained network.
  public struct Networks: Codable, Sendable {
    /// The sizes of the U-Net.
    public let unet: UNet.Configuration
    /// The sizes of the text adapter.
    public let textAdapter: TextAdapter.Configuration
  }
}

extension Trainer {
  /// Times `steps` steps of the diffusion stage twice, with a fixed pool and with renewal; nothing is saved.
  ///
  /// The steps of a profile come after them, a quarter as many, since a profile slows them down.
  public static func benchmark(
    _ plan: TrainingPlan, on data: TrainingData = .scenes(.small), steps: Int, textEncoder: URL, device: Device,
    winograd: Bool? = nil, profiled: Bool = false
  ) throws -> TrainingBenchmark {
    var profile: Profile?
    /// Seconds in total, and seconds spent waiting for images.
    func time(renewal: Int, profiled: Bool = false) throws -> (seconds: Double, dataWaitSeconds: Double) {
      var plan = plan
      plan.poolSize = 64 * max(1, 2 * plan.batch(of: .diffusion) / 64)
      plan.poolRenewal = renewal
      let trainer = try Trainer(
        plan, on: data, textEncoder: textEncoder, device: device, winograd: winograd)
      let first = plan.range(of: .diffusion).lowerBound
      for step in 0..<3 { _ = try trainer.train(first + step) }  // fills the pool, allocates
      device.synchronize()
      let (watch, before) = (Stopwatch(), trainer.dataWaitSeconds)
      for step in 3..<3 + steps { _ = try trainer.train(first + step) }
      device.synchronize()
      let result = (watch.seconds, trainer.dataWaitSeconds - before)
      if profiled {
        let further = 3 + steps..<3 + steps + TrainingBenchmark.profiledSteps(of: steps)
        profile = try Profile.of(device) { for step in further { _ = try trainer.train(first + step) } }.profile
      }
      return result
    }
    let (networks, whole) = (try time(renewal: 0), try time(renewal: plan.poolRenewal, profiled: profiled))
    // The backward pass costs twice the forward pass: gradients of the inputs and of the weights.
    let (c, batch) = (plan.configuration, plan.batch(of: .diffusion))
    let flops =
      3 * Double(batch)
      * Double(
        c.unet.flops(height: c.latentSize, width: c.latentSize, tokens: c.adapter.maxTokens)
          + c.adapter.flops(tokens: c.adapter.maxTokens))
    let products = MatmulThroughput.measure(on: device, plan.bfloat16 ? .bfloat16 : .float32)
    return TrainingBenchmark(
      batch: batch, threads: Libtorch.threads, networksOnly: Double(steps) / networks.seconds,
      withData: Double(steps) / whole.seconds, dataWait: whole.dataWaitSeconds / whole.seconds,
      peakBytes: PeakMemory.bytes(of: device), flopsPerStep: flops,
      teraflops: flops * Double(steps) / networks.seconds / 1e12, matmulTeraflops: products / 1e12, profile: profile,
      configuration: TrainingBenchmark.Networks(unet: c.unet, textAdapter: c.adapter))
  }
}
