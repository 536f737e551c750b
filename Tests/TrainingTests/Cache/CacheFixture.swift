import Flux
import Foundation
import Images
import Scenes
import TestSupport
import Torch

@testable import Training

/// A folder with a small text encoder, images, and a cache.
struct CacheFixture {
  let folder: URL
  var textEncoder: URL { folder.appendingPathComponent("text") }
  var cache: URL { folder.appendingPathComponent("cache") }
  var photos: URL { folder.appendingPathComponent("photos") }

  static func with(_ body: (CacheFixture) throws -> Void) throws {
    try Project.inTemporaryFolder { folder in
      let fixture = CacheFixture(folder: folder)
      try SmallTextEncoder.write(to: fixture.textEncoder)
      try body(fixture)
    }
  }

  /// A plan whose last stage has a pool of one block, renewed by half a block a step.
  func plan(_ data: TrainingData = .scenes(.small), seed: UInt64 = 3) -> TrainingPlan {
    var plan = TrainingPlan(preset: .tiny, data: data, steps: 24, batch: 4, seed: seed)
    plan.poolSize = 64
    plan.poolRenewal = 32
    return plan
  }

  func trainer(
    _ plan: TrainingPlan, _ data: TrainingData = .scenes(.small), cached: Bool = true
  ) throws -> Trainer {
    try Trainer(plan, on: data, textEncoder: textEncoder, cache: cached ? cache : nil)
  }

  /// What the U-Net would learn from in some steps of the last stage.
  func draws(_ trainer: Trainer, steps: Range<Int> = 0..<3) throws -> [Example] {
    let first = trainer.plan.range(of: .diffusion).lowerBound
    return try steps.map { try trainer.pooled(first + $0)[0] }
  }

  /// Writes `count` small images, each with two captions, and one that cannot be read.
  func images(_ count: Int) throws {
    try FileManager.default.createDirectory(at: photos, withIntermediateDirectories: true)
    for index in 0..<count {
      let pixels = (0..<3 * 12 * 10).map { UInt8(($0 * 7 + index * 31) % 256) }
      let png = index == 5 ? [1, 2, 3] : try PNG.encode(Image(width: 12, height: 10, channels: .rgb, pixels: pixels))
      try Data(png).write(to: photos.appendingPathComponent("\(index).png"))
      try Data("a thing\nthing number \(index % 7)".utf8).write(to: photos.appendingPathComponent("\(index).txt"))
    }
  }

  /// The files of one kind in the cache, in order.
  func files(_ kind: String) throws -> [URL] {
    let names = try FileManager.default.contentsOfDirectory(atPath: cache.appendingPathComponent(kind).path).sorted()
    return names.map { cache.appendingPathComponent("\(kind)/\($0)") }
  }
}

extension Example {
  /// Whether two examples are equal to the last bit.
  func equals(_ other: Example) -> Bool {
    ids == other.ids && latents.bytes() == other.latents.bytes() && captions.bytes() == other.captions.bytes()
      && masks.bytes() == other.masks.bytes() && labels?.bytes() == other.labels?.bytes()
  }
}
