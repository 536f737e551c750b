import Flux
import Foundation
import NN
import Scenes
import Support
import Torch

/// How long a run will take here and how much memory it needs, from a few steps of each stage that are not kept.
public struct Forecast: Codable, Sendable {
  public struct StageForecast: Codable, Sendable {
    public let stage: TrainingPlan.Stage
    public let steps: Int
    public let secondsPerStep: Double
  }

  public let stages: [StageForecast]
  public let poolSeconds: Double  // to fill the pool before the last stage
  public let peakBytes: Int
  public let parameters: [String: Int]
  public let pictureSize: Int

  /// Seconds of the whole run.
  public var seconds: Double { stages.reduce(poolSeconds) { $0 + Double($1.steps) * $1.secondsPerStep } }

  /// For people.
  public var text: String {
    let parts = ["autoencoder", "adapter", "unet"].map { "\($0) \(parameters[$0] ?? 0)" }
    let lines =
      ["parameters       \(parts.joined(separator: ", "))", "pictures         \(pictureSize)×\(pictureSize)"]
      + stages.map { stage in
        let name = stage.stage.rawValue.padding(toLength: 16, withPad: " ", startingAt: 0)
        return "\(name) \(stage.steps) steps of \(Self.significant(stage.secondsPerStep)) s"
      }
      + ["time             \(Self.duration(seconds))", "peak memory      \(Self.gigabytes(peakBytes))"]
    return lines.joined(separator: "\n")
  }

  /// Writes `forecast.json` into a run's folder, for the report at the run's end.
  public func save(in folder: URL) throws {
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch { throw TrainingError.folder(folder.path) }
    try AtomicFile.write(Array(JSONEncoder().encode(self)) + [10], to: folder.appendingPathComponent(Self.name))
  }

  /// The peak that was measured, beside what a dry run foretold if there was one.
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
  /// Measures a few steps of every stage, at most about twenty seconds each, on networks that are thrown away.
  public static func forecast(
    _ plan: TrainingPlan, on data: TrainingData = .scenes(.small), from start: ModelBundle?, textEncoder: URL,
    device: Device
  ) throws -> Forecast {
    var small = plan
    small.poolSize = min(plan.poolSize, 64)
    small.poolRenewal = 0
    let nowhere = URL(fileURLWithPath: "/nonexistent")
    let trainer = try Trainer(small, on: data, from: start, folder: nowhere, textEncoder: textEncoder, device: device)
    trainer.watchesCollapse = false
    var poolSeconds = 0.0
    let stages = try TrainingPlan.Stage.allCases.filter { !plan.range(of: $0).isEmpty }.map { stage in
      let range = plan.range(of: stage)
      if stage == .diffusion {
        let begun = Date()
        _ = try trainer.pooled(range.lowerBound)
        let perPicture = Date().timeIntervalSince(begun) / Double(max(small.poolSize, 1))
        poolSeconds = perPicture * Double(plan.poolSize + plan.poolRenewal * range.count)
      }
      _ = try trainer.train(range.lowerBound)  // the first step also allocates
      var (count, begun) = (0, Date())
      repeat {
        _ = try trainer.train(range.lowerBound + 1 + count)
        device.synchronize()
        count += 1
      } while count < 5 && Date().timeIntervalSince(begun) < 20 && count + 1 < range.count
      return Forecast.StageForecast(
        stage: stage, steps: range.count, secondsPerStep: Date().timeIntervalSince(begun) / Double(count))
    }
    let c = plan.configuration
    let perPicture =
      4 * c.autoencoder.latentChannels * c.latentSize * c.latentSize + 4 * c.adapter.maxTokens * c.adapter.inputWidth
    return Forecast(
      stages: stages, poolSeconds: poolSeconds,
      peakBytes: PeakMemory.bytes(of: device) + (plan.poolSize - small.poolSize) * perPicture,
      parameters: trainer.parameterCounts, pictureSize: c.imageSize)
  }

  /// Parameters of each network.
  var parameterCounts: [String: Int] {
    [
      "autoencoder": model.autoencoder.parameterCount, "adapter": model.adapter.parameterCount,
      "unet": model.unet.parameterCount,
    ]
  }

  /// One line about what is about to be trained.
  public var summary: String {
    let counts = parameterCounts
    return "autoencoder \(counts["autoencoder"] ?? 0), adapter \(counts["adapter"] ?? 0), U-Net "
      + "\(counts["unet"] ?? 0) parameters; pictures \(model.configuration.imageSize)×"
      + "\(model.configuration.imageSize); \(plan.steps) steps on \(device)"
  }
}
