import Data
import Foundation
import Torch

/// How fast the long last stage of training goes.
public struct TrainingBenchmark: Codable, Sendable {
  public let batch: Int
  public let threads: Int
  public let networksOnly: Double  // steps a second on pictures that are in the pool already
  public let withData: Double  // steps a second while the pool is renewed as in a run
  public let waiting: Double  // share of the time with data that was spent drawing or reading pictures
  public let peakBytes: Int
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
      let (begun, before) = (Date(), trainer.waited)
      for step in 3..<3 + steps { _ = try trainer.train(first + step) }
      device.synchronize()
      return (Date().timeIntervalSince(begun), trainer.waited - before)
    }
    let (networks, whole) = (try time(renewal: 0), try time(renewal: plan.poolRenewal))
    return TrainingBenchmark(
      batch: plan.batch(of: .diffusion), threads: Libtorch.threads, networksOnly: Double(steps) / networks.seconds,
      withData: Double(steps) / whole.seconds, waiting: whole.waited / whole.seconds,
      peakBytes: PeakMemory.bytes(of: device))
  }
}
