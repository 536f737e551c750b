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

/// Training images of several shapes beside regularization images of theirs.
@Suite(.serialized) struct BucketRegularizationTests {
  /// Plain images of some sizes, in a folder of the fixture.
  private func images(_ sizes: [(Int, Int)], _ name: String, _ fixture: CacheFixture) throws -> TrainingData {
    let folder = fixture.folder.appendingPathComponent(name)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for (index, (width, height)) in sizes.enumerated() {
      let pixels = (0..<3 * width * height).map { UInt8(($0 * 7 + index * 31 + name.count * 50) % 256) }
      let png = try PNG.encode(Image(width: width, height: height, channels: .rgb, pixels: pixels))
      try Data(png).write(to: folder.appendingPathComponent("\(index).png"))
      try Data("thing number \(index % 5)".utf8).write(to: folder.appendingPathComponent("\(index).txt"))
    }
    return .images(try ImageFolder(folder), crop: .center, mirror: false)
  }

  /// Wide and square ones.
  private func own(_ fixture: CacheFixture) throws -> TrainingData {
    try images((0..<20).map { $0 % 2 == 0 ? (24, 16) : (20, 20) }, "own", fixture)
  }

  /// Tall, wide and square ones.
  private func prior(_ fixture: CacheFixture) throws -> TrainingData {
    try images((0..<30).map { [(16, 24), (24, 16), (20, 20)][$0 % 3] }, "prior", fixture)
  }

  private func plan(
    _ data: TrainingData, _ prior: TrainingData?, weight: Double = 1, accumulation: Int = 1
  ) -> TrainingPlan {
    var plan = TrainingPlan(
      preset: .tiny, data: data, steps: 12, batch: 4, accumulation: accumulation, seed: 3,
      start: ModelSource(name: "start", hash: "1"))
    (plan.resolution, plan.aspectBuckets) = (128, true)
    plan.regularization = prior.map { .init($0, weight: weight) }
    return plan
  }

  private func trainer(
    _ fixture: CacheFixture, _ plan: TrainingPlan, _ data: TrainingData, _ prior: TrainingData?,
    group: ProcessGroup = .single
  ) throws -> Trainer {
    try Trainer(
      plan, on: data, regularization: prior, from: ModelBundle(Preset.tiny.configuration, .random(Generator(seed: 9))),
      textEncoder: fixture.textEncoder, group: group)
  }

  @Test func regularizationImagesOfAnotherShapeAreABatchOfTheirOwn() throws {
    try CacheFixture.with { fixture in
      let (own, prior) = (try own(fixture), try prior(fixture))
      let trainer = try trainer(fixture, plan(own, prior, weight: 0.5), own, prior)
      let alone = try self.trainer(fixture, plan(own, nil), own, nil)
      var shapes: Set<[[Int]]> = []
      for step in 0..<30 {
        let (batches, expected) = (try trainer.pooled(step), try alone.pooled(step)[0])
        shapes.insert(batches.map(\.latents.shape))
        #expect(batches[0].latents[0..<4].bytes() == expected.latents.bytes())
        if batches.count == 1 {
          #expect(try #require(batches[0].weights).floats() == [2, 2, 2, 2, 1, 1, 1, 1] && batches[0].weight == 1)
        } else {
          #expect(batches.map(\.weight) == [1, 0.5] && batches.allSatisfy { $0.weights == nil })
          #expect(batches[1].latents.shape != expected.latents.shape && batches[0].names == expected.names)
        }
      }
      let (wide, tall, square) = ([64, 6, 10], [64, 10, 6], [64, 8, 8])
      #expect(
        shapes == [
          [[8] + wide], [[8] + square], [[4] + wide, [4] + tall], [[4] + square, [4] + tall],
          [[4] + wide, [4] + square], [[4] + square, [4] + wide],
        ])
    }
  }

  /// Wide images beside tall ones: the loss is that of a run without them, and their own times the weight.
  @Test(arguments: [1, 2]) func theirWeightIsThatOfTheirLoss(accumulation: Int) throws {
    try CacheFixture.with { fixture in
      let own = try images([(24, 16), (24, 16)], "own", fixture)
      let prior = try images([(16, 24), (16, 24), (16, 24)], "prior", fixture)
      func first(_ prior: TrainingData?, weight: Double = 1) throws -> Double {
        let plan = plan(own, prior, weight: weight, accumulation: accumulation)
        let values = try trainer(fixture, plan, own, prior).train(0)
        #expect(values["captionGap"] != nil && values["denoiserGradientNorm"] != nil)
        return try #require(values["diffusion"])
      }
      let alone = try first(nil)
      let others = try first(prior) - alone
      #expect(try others > 0.1 && abs(first(prior, weight: 3) - alone - 3 * others) < 1e-5)
    }
  }

  @Test func anInterruptedRunEndsInTheSameWeights() throws {
    try CacheFixture.with { fixture in
      let (own, prior) = (try own(fixture), try prior(fixture))
      func weights(_ name: String, _ prior: TrainingData?, stops: [Int] = []) throws -> Data {
        for stop in stops + [.max] {
          let trainer = try trainer(fixture, plan(own, prior), own, prior)
          let run = TrainingRun(trainer, in: fixture.folder.appendingPathComponent(name))
          _ = try run.run { _ in run.stepsDone >= stop }
        }
        return try Data(
          contentsOf: fixture.folder.appendingPathComponent("\(name)/model/unet/diffusion_pytorch_model.safetensors"))
      }
      let whole = try weights("whole", prior)
      #expect(try weights("parts", prior, stops: [3, 7]) == whole && weights("alone", nil) != whole)
    }
  }

  @Test(arguments: [1, 2]) func theLossesAreThoseOfOneProcess(accumulation: Int) throws {
    try CacheFixture.with { fixture in
      let (own, prior) = (try own(fixture), try prior(fixture))
      let plan = plan(own, prior, weight: 0.7, accumulation: accumulation)
      @Sendable func losses(_ group: ProcessGroup) throws -> [Double] {
        let trainer = try trainer(fixture, plan, own, prior, group: group)
        return try (0..<8).map { try trainer.takeStep($0)["diffusion"] ?? .nan }
      }
      let single = try losses(.single)
      for own in try ThreadGroup.values(2, { try losses($0) }) {
        for (loss, other) in zip(own, single) { #expect(abs(loss - other) < 1e-5 * max(1, other), "\(loss), \(other)") }
      }
    }
  }
}
