import Datasets
import Flux
import Foundation
import Images
import TestSupport
import Testing
import Torch

@testable import Runs
@testable import Training

@Suite(.serialized) struct RegularizationTests {
  private let start = ModelBundle(Preset.tiny.configuration, .random(Generator(seed: 9)))

  /// Plain images of a brightness, with one caption.
  private func images(_ count: Int, _ brightness: Int, in folder: URL) throws -> TrainingData {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for index in 0..<count {
      let pixels = [UInt8](repeating: UInt8(brightness + index), count: 3 * 12 * 12)
      let png = try PNG.encode(Image(width: 12, height: 12, channels: .rgb, pixels: pixels))
      try Data(png).write(to: folder.appendingPathComponent("\(index).png"))
      try Data("a wall".utf8).write(to: folder.appendingPathComponent("\(index).txt"))
    }
    return .images(try ImageFolder(folder), crop: .center, mirror: false)
  }

  private func plan(_ data: TrainingData, _ regularization: TrainingData?, weight: Double = 1) -> TrainingPlan {
    var plan = TrainingPlan(
      preset: .tiny, data: data, steps: 20, batch: 4, seed: 3, start: ModelSource(name: "start", hash: "1"))
    plan.lora = TrainingPlan.LoRASettings(rank: 2)
    plan.trained = [.unet]
    plan.regularization = regularization.map { TrainingPlan.Regularization($0, weight: weight) }
    return plan
  }

  private func withTwoFolders(_ body: (URL, TrainingData, TrainingData) throws -> Void) throws {
    try Project.inTemporaryFolder { folder in
      try SmallTextEncoder.write(to: folder.appendingPathComponent("text"))
      try body(
        folder, try images(6, 20, in: folder.appendingPathComponent("own")),
        try images(9, 200, in: folder.appendingPathComponent("prior")))
    }
  }

  private func trainer(
    _ folder: URL, _ data: TrainingData, _ regularization: TrainingData?, weight: Double = 1
  ) throws -> Trainer {
    try Trainer(
      plan(data, regularization, weight: weight), on: data, regularization: regularization, from: start,
      textEncoder: folder.appendingPathComponent("text"))
  }

  @Test func aStepHasAsManyRegularizationImages() throws {
    try withTwoFolders { folder, own, prior in
      let trainer = try trainer(folder, own, prior, weight: 0.5)
      let example = try trainer.pooled(0)[0]
      #expect(example.latents.shape[0] == 8 && example.masks.shape[0] == 8)
      // The mean over eight rows is that of the first four plus half that of the others.
      #expect(try #require(example.weights).floats() == [2, 2, 2, 2, 1, 1, 1, 1])
      // Both folders have a 0.png; the first four rows are those of a run without the others.
      let alone = try self.trainer(folder, own, nil).pooled(0)[0]
      #expect(example.latents[0..<4].bytes() == alone.latents.bytes() && alone.weights == nil)
      #expect(example.names.count == 8 && Array(example.names.prefix(4)) == alone.names)
      #expect(example.latents[4..<8].bytes() != alone.latents.bytes())
    }
  }

  @Test func theirWeightIsThatOfTheirLoss() throws {
    try withTwoFolders { folder, own, prior in
      func loss(_ weight: Double) throws -> Double {
        try #require(try trainer(folder, own, prior, weight: weight).train(0)["diffusion"])
      }
      // Linear in the weight, from a positive part of its own.
      let (first, second, third) = (try loss(1), try loss(2), try loss(3))
      #expect(second > first && abs((third - second) - (second - first)) < 1e-4 * first)
    }
  }

  @Test func anInterruptedRunEndsInTheSameWeights() throws {
    try withTwoFolders { folder, own, prior in
      func train(_ name: String, until stop: Int? = nil) throws -> URL {
        let trainer = try trainer(folder, own, prior)
        let run = TrainingRun(trainer, in: folder.appendingPathComponent(name))
        _ = try run.run { _ in run.stepsDone >= stop ?? .max }
        return trainer.result(in: run.folder)
      }
      let whole = try Data(contentsOf: try train("whole"))
      for stop in [5, 12] { _ = try train("parts", until: stop) }
      #expect(try Data(contentsOf: try train("parts")) == whole)
    }
  }
}
