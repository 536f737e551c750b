import Datasets
import Distributed
import Flux
import Foundation
import Images
import TestSupport
import Testing
import Torch

@testable import Runs
@testable import Training

/// A frozen autoencoder and images of several shapes, at 128×128 pixels, that is, 8×8 cells.
@Suite(.serialized) struct AspectBucketTrainingTests {
  private let start = ModelBundle(Preset.tiny.configuration, .random(Generator(seed: 9)))

  /// Writes images of some sizes, the file number 3 of which cannot be read.
  private func images(_ sizes: [(Int, Int)], _ fixture: CacheFixture, crop: Crop = .center) throws -> TrainingData {
    try FileManager.default.createDirectory(at: fixture.photos, withIntermediateDirectories: true)
    for (index, (width, height)) in sizes.enumerated() {
      let pixels = (0..<3 * width * height).map { UInt8(($0 * 7 + index * 31) % 256) }
      let png = try PNG.encode(Image(width: width, height: height, channels: .rgb, pixels: pixels))
      let name = String(format: "%03d", index)
      try Data(index == 3 ? Array(png.prefix(60)) : png).write(to: fixture.photos.appendingPathComponent("\(name).png"))
      try Data("thing number \(index % 7)".utf8).write(to: fixture.photos.appendingPathComponent("\(name).txt"))
    }
    return .images(try ImageFolder(fixture.photos), crop: crop, mirror: false)
  }

  /// 75 wide, 20 tall and 5 square images.
  private var mixed: [(Int, Int)] { (0..<100).map { $0 % 20 == 0 ? (20, 20) : $0 % 5 == 1 ? (16, 24) : (24, 16) } }

  private func plan(_ data: TrainingData, buckets: Bool = true) -> TrainingPlan {
    var plan = TrainingPlan(
      preset: .tiny, data: data, steps: 12, batch: 4, seed: 3, start: ModelSource(name: "start", hash: "1"))
    (plan.resolution, plan.aspectBuckets) = (128, buckets ? true : nil)
    return plan
  }

  private func trainer(
    _ fixture: CacheFixture, _ data: TrainingData, _ plan: TrainingPlan, cached: Bool = false,
    group: ProcessGroup = .single
  ) throws -> Trainer {
    try Trainer(
      plan, on: data, from: start, textEncoder: fixture.textEncoder, cache: cached ? fixture.cache : nil, group: group)
  }

  @Test func aBatchHasOneShapeAndAllImagesAreInThePool() throws {
    try CacheFixture.with { fixture in
      let data = try images(mixed, fixture)
      let trainer = try trainer(fixture, data, plan(data))
      #expect(trainer.buckets?.hasPrefix("96×160 (20 images), 128×128 (5 images), 160×96 (75 images); ") == true)
      let draws = try fixture.draws(trainer, steps: 0..<60)
      let shapes = Dictionary(grouping: draws, by: \.latents.shape)
      #expect(Set(shapes.keys) == [[4, 64, 8, 8], [4, 64, 6, 10], [4, 64, 10, 6]])
      #expect((shapes[[4, 64, 6, 10]]?.count ?? 0) > 30)
      // An image that stands in for one that cannot be read is cropped to its shape, and there are 99 names.
      let pool = try #require(try trainer.filledPool(at: 0))
      #expect(pool.ids.count == 100 && Set(pool.ids).count == 99 && trainer.failures.count == 1)
      for (shape, examples) in shapes {
        for name in examples.flatMap(\.names) {
          let (width, height) = mixed[try #require(Int(name.prefix(3)))]
          #expect((width - height).signum() == (shape[3] - shape[2]).signum(), "\(name)")
        }
      }
    }
  }

  /// A wide image is encoded as a whole.
  @Test func latentsAreThoseOfTheCrop() throws {
    try CacheFixture.with { fixture in
      let data = try images([(40, 24), (40, 24)], fixture)
      var plan = plan(data)
      plan.latentNoise = 0
      let trainer = try trainer(fixture, data, plan)
      let example = try trainer.pooled(0)[0]
      let side = trainer.baseSize / 8
      let image = try ImageFolder(fixture.photos).image(0).resized(width: 10 * side, height: 6 * side, filter: .lanczos)
      let autoencoder = trainer.model.autoencoder
      let expected = withNoGrad { autoencoder.normalized(autoencoder.encodeRaw(TensorImage.tensor([image]))) }
      let row = try #require(example.names.firstIndex(of: "000.png"))
      expectClose(example.latents[row], expected[0], atol: 1e-4)
    }
  }

  /// With more images than the pool holds, so that it is renewed over the ends of epochs.
  @Test(arguments: [Crop.center, .random]) func aRunThatGoesOnAndOneWithACacheDrawTheSame(crop: Crop) throws {
    try CacheFixture.with { fixture in
      let data = try images(mixed, fixture, crop: crop)
      var plan = plan(data)
      (plan.poolSize, plan.poolRenewal) = (64, 32)
      let whole = try fixture.draws(try trainer(fixture, data, plan), steps: 0..<8)
      #expect(Set(whole.map(\.latents.shape)).count > 1)
      for cached in [false, true, true] {
        let again = try fixture.draws(try trainer(fixture, data, plan, cached: cached), steps: 0..<8)
        let later = try fixture.draws(try trainer(fixture, data, plan, cached: cached), steps: 5..<8)
        #expect(zip(whole, again).allSatisfy { $0.equals($1) } && zip(whole[5...], later).allSatisfy { $0.equals($1) })
      }
      // Squares of the same images are others, so their cache is, too.
      plan.aspectBuckets = nil
      #expect(throws: CacheError.self) { try self.trainer(fixture, data, plan, cached: true).openCache() }
    }
  }

  private func weights(
    _ fixture: CacheFixture, _ data: TrainingData, _ plan: TrainingPlan, _ name: String, stops: [Int]
  )
    throws -> Data
  {
    for stop in stops + [.max] {
      let run = TrainingRun(try trainer(fixture, data, plan), in: fixture.folder.appendingPathComponent(name))
      _ = try run.run { _ in run.stepsDone >= stop }
    }
    return try Data(
      contentsOf: fixture.folder.appendingPathComponent("\(name)/model/unet/diffusion_pytorch_model.safetensors"))
  }

  @Test func anInterruptedRunEndsInTheSameWeights() throws {
    try CacheFixture.with { fixture in
      let data = try images(Array(mixed.prefix(30)), fixture)
      let plan = plan(data)
      let whole = try weights(fixture, data, plan, "whole", stops: [])
      #expect(try weights(fixture, data, plan, "parts", stops: [3, 7]) == whole)
      #expect(try weights(fixture, data, self.plan(data, buckets: false), "squares", stops: []) != whole)
    }
  }

  @Test func squareImagesAreTrainedAsWithoutBuckets() throws {
    try CacheFixture.with { fixture in
      let data = try images((0..<70).map { _ in (20, 20) }, fixture)
      let with = try weights(fixture, data, plan(data), "with", stops: [])
      #expect(try weights(fixture, data, plan(data, buckets: false), "without", stops: []) == with)
    }
  }

  @Test func theLossesAreThoseOfOneProcess() throws {
    try CacheFixture.with { fixture in
      let data = try images(Array(mixed.prefix(40)), fixture)
      let plan = plan(data)
      @Sendable func losses(_ group: ProcessGroup) throws -> [Double] {
        let start = ModelBundle(Preset.tiny.configuration, .random(Generator(seed: 9)))
        let trainer = try Trainer(
          plan, on: data, from: start, textEncoder: fixture.textEncoder, group: group)
        return try (0..<6).map { try trainer.takeStep($0)["diffusion"] ?? .nan }
      }
      let single = try losses(.single)
      for own in try ThreadGroup.values(2, { try losses($0) }) {
        for (loss, other) in zip(own, single) { #expect(abs(loss - other) < 1e-5 * max(1, other)) }
      }
    }
  }
}
