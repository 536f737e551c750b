import Flux
import Foundation
import Models
import Scenes
import Torch

/// How fast the long last stage of training goes.
public struct TrainingBenchmark: Codable, Sendable {
  public let batch: Int
  public let threads: Int
  public let networksOnly: Double  // steps a second on pictures that are in the pool already
  public let withData: Double  // steps a second while the pool is renewed as in a run
  public let waiting: Double  // share of the time with data that was spent drawing or reading pictures
  public let peakBytes: Int
  public let operationsPerStep: Double  // of U-Net and adapter, forth and back
  public let teraflops: Double  // reached by networks only
  public let productTeraflops: Double  // reached by large matrix products in the same precision
  public let configuration: Networks  // what was trained, for programs that train the same

  /// `config.json` of each network that learns.
  public struct Networks: Codable, Sendable {
    public let unet: UNet.Configuration
    public let textAdapter: TextAdapter.Configuration
  }
}

extension Trainer {
  /// Times `steps` steps of the diffusion stage twice, on a standing pool and renewing it; nothing is kept.
  public static func benchmark(
    _ plan: TrainingPlan, on data: TrainingData = .scenes(.small), steps: Int, textEncoder: URL, device: Device
  ) throws -> TrainingBenchmark {
    /// Seconds, and those among them that were spent waiting for pictures.
    func time(renewal: Int) throws -> (seconds: Double, waited: Double) {
      var plan = plan
      plan.poolSize = 64 * max(1, 2 * plan.batch(of: .diffusion) / 64)
      plan.poolRenewal = renewal
      let folder = URL(fileURLWithPath: "/nonexistent")
      let trainer = try Trainer(plan, on: data, folder: folder, textEncoder: textEncoder, device: device)
      let first = plan.range(of: .diffusion).lowerBound
      for step in 0..<3 { _ = try trainer.train(first + step) }  // fills the pool, allocates
      device.synchronize()
      let (watch, before) = (Stopwatch(), trainer.waited)
      for step in 3..<3 + steps { _ = try trainer.train(first + step) }
      device.synchronize()
      return (watch.seconds, trainer.waited - before)
    }
    let (networks, whole) = (try time(renewal: 0), try time(renewal: plan.poolRenewal))
    // The way back costs twice the way forth: once for the inputs' gradients, once for the weights'.
    let (c, batch) = (plan.configuration, plan.batch(of: .diffusion))
    let operations =
      3 * Double(batch)
      * Double(
        c.unet.operations(height: c.latentSize, width: c.latentSize, tokens: c.adapter.maxTokens)
          + c.adapter.operations(tokens: c.adapter.maxTokens))
    let products = ProductSpeed.measure(on: device, plan.bfloat16 ? .bfloat16 : .float32)
    return TrainingBenchmark(
      batch: batch, threads: Libtorch.threads, networksOnly: Double(steps) / networks.seconds,
      withData: Double(steps) / whole.seconds, waiting: whole.waited / whole.seconds,
      peakBytes: PeakMemory.bytes(of: device), operationsPerStep: operations,
      teraflops: operations * Double(steps) / networks.seconds / 1e12, productTeraflops: products / 1e12,
      configuration: TrainingBenchmark.Networks(unet: c.unet, textAdapter: c.adapter))
  }
}
