import Foundation

@testable import Flux
@testable import Runs
@testable import Support
@testable import Torch
@testable import Training

extension FuzzTarget {
  /// What a run leaves and reads again: its log, its checkpoints, its cache, its forecast.
  static var training: [FuzzTarget] {
    [
      FuzzTarget("log", dictionary: "log", seeds: { Seeds.texts(log) }) { bytes in
        let curves = TrainingCurves(log: String(decoding: bytes, as: UTF8.self))
        for curve in curves.curves {
          demand(zip(curve.points, curve.points.dropFirst()).allSatisfy { $0.step <= $1.step }, "steps that go back")
        }
        let drawing = curves.svg()
        demand(!drawing.contains("nan") && !drawing.contains("inf,"), "a drawing with numbers that are none")
      },
      FuzzTarget("checkpoint", dictionary: "log", maxLength: 4096, seeds: { try checkpoints() }) {
        try readCheckpoint($0)
      },
      FuzzTarget("cache", dictionary: "safetensors", seeds: { try caches() }) { bytes in
        let file = Scratch.write(SafetensorsBytes.file(header: bytes), "block.safetensors")
        let cache = try CacheFile(file, owner: "me")
        for key in cache.keys {
          for rank in 0...4 { _ = try? cache.tensor(key, shape: [Int](repeating: -1, count: rank)).ints() }
        }
      },
      FuzzTarget("cache-manifest", dictionary: "config", seeds: { [manifest.json] }) { bytes in
        let folder = Scratch.folder("cache")
        Scratch.write(bytes, "manifest.json", in: folder)
        try LatentCache.check(folder, manifest)
      },
      FuzzTarget("forecast", dictionary: "config", seeds: { Seeds.texts(forecast) }) { bytes in
        let folder = Scratch.folder("forecast")
        Scratch.write(bytes, "forecast.json", in: folder)
        demand(Forecast.memoryReport(in: folder, .cpu).hasPrefix("peak memory"), "no report")
      },
    ]
  }

  private static let log =
    #"{"step":5,"stage":"autoencoder","stepsPerSecond":1.5,"seconds":3.1,"loss":0.5}"# + "\n"
    + #"{"step":9,"stage":"diffusion","seconds":5,"loss":1e-3,"norm":12}"# + "\n"
    + #"{"step":5,"stage":"diffusion","note":"moments begin again"}"# + "\n"

  private static let forecast =
    #"{"stages":[{"stage":"diffusion","steps":100,"secondsPerStep":0.5}],"poolSeconds":3,"peakBytes":1000000,"#
    + #""parameters":{"unet":10},"pictureSize":64}"#

  private static let manifest = CacheManifest(
    encoder: "e", statistics: "s", data: "small scenes", images: "p", imageSize: 64, textEncoder: "t",
    longestCaption: 32, precision: "float32")

  private static let plan = TrainingPlan(preset: .tiny)

  /// What checkpoints say beside their tensors, as JSON.
  private static func checkpoints() throws -> [[UInt8]] {
    let json = try PlanIdentity(plan).json()
    return try [
      ["step": "100", "plan": json], ["step": "120", "plan": json, "stageEnds": "80,90,200", "restarted": "20"],
    ]
    .map { [UInt8](try JSONEncoder().encode($0)) }
  }

  private static func readCheckpoint(_ bytes: [UInt8]) throws {
    guard let fields = JSONValue(bytes)?.fields else { return }
    let metadata = Dictionary(fields.compactMap { field in field.value.string.map { (field.key, $0) } }) { $1 }
    guard let record = TrainingCheckpoint.Record(metadata) else { return }
    _ = PlanIdentity(plan).differences(from: record.identity)
    var (longer, same) = (plan, plan)
    longer.lengthen(from: record.steps, ends: record.stageEnds)
    (same.steps, same.stageEnds) = (record.steps, record.stageEnds)
    for plan in [longer, same] {
      for stage in TrainingPlan.Stage.allCases {
        let range = plan.range(of: stage)
        demand(range.lowerBound >= 0, "a stage that begins before the run")
        _ = (range.count, plan.learningRateFactor(at: record.step, in: range), plan.stage(at: record.step))
      }
      _ = (plan.lossType(at: record.step), record.step - (record.restarted ?? 0))
    }
  }

  private static func caches() throws -> [[UInt8]] {
    let folder = Scratch.folder
    let url = folder.appendingPathComponent("seed-cache.safetensors")
    try CacheFile.write([("items", Tensor([Int64(1), 2], shape: [2]))], owner: "me", to: url)
    return [SafetensorsBytes.header(of: [UInt8](try Data(contentsOf: url)))]
  }
}
