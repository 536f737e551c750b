import Datasets
import Flux
import Foundation
import Images
import Runs
import TestSupport
import Torch

@testable import Training

/// A small model of Stable Diffusion's family with images of people's own, three squares by default.
struct StableTrainingFixture {
  let folder: URL
  let data: TrainingData
  let source: URL

  /// Images of some sizes in a new folder of `folder`, and one of the small models that goldens are made with.
  init(
    in folder: URL, model: String = "stable_diffusion", crop: Crop = .center,
    sizes: [(Int, Int)] = [(40, 40), (40, 40), (40, 40)]
  ) throws {
    self.folder = folder
    data = try Self.images(sizes, in: folder.appendingPathComponent("photos"), crop: crop)
    source = Project.golden("\(model)/model")
  }

  /// Images of some sizes that regularize, in another new folder.
  func prior(_ sizes: [(Int, Int)]) throws -> TrainingData {
    try Self.images(sizes, in: folder.appendingPathComponent("prior"), shift: 5)
  }

  private static func images(
    _ sizes: [(Int, Int)], in photos: URL, crop: Crop = .center, shift: Int = 3
  ) throws -> TrainingData {
    try FileManager.default.createDirectory(at: photos, withIntermediateDirectories: true)
    let captions = ["a red fox", "a small house", "blue sky"]
    for (index, (width, height)) in sizes.enumerated() {
      let pixels = (0..<3 * width * height).map { UInt8(($0 * (index + shift) + $0 / 97 * 31) % 256) }
      let image = Image(width: width, height: height, channels: .rgb, pixels: pixels)
      try Data(PNG.encode(image)).write(to: photos.appendingPathComponent("\(index).png"))
      try Data(captions[index % 3].utf8).write(to: photos.appendingPathComponent("\(index).txt"))
    }
    return .images(try ImageFolder(photos), crop: crop, mirror: false)
  }

  func model(_ options: StableDiffusionModel.Options = .init()) throws -> StableDiffusionModel {
    try StableDiffusionModel(
      StableDiffusionFiles(source), vocabulary: Installation.clipVocabulary, options, residency: .needed)
  }

  /// A plan for images of 32×32 pixels with large steps.
  func plan(_ trained: Set<TrainingPlan.Network> = [.unet], targets: [String]? = nil) -> StableTrainingPlan {
    var plan = StableTrainingPlan(
      start: ModelSource(name: "model", hash: "1"), data: data, lora: .init(rank: 2, alpha: 3, targets: targets),
      size: 32, trained: trained, steps: 6, batch: 2, seed: 3)
    plan.learningRate = 1e-2
    return plan
  }

  func trainer(_ plan: StableTrainingPlan, _ regularization: TrainingData? = nil) throws -> StableTrainer {
    try StableTrainer(plan, on: data, regularization: regularization, model: model(), winograd: false)
  }

  /// Trains up to step `stop`, and gives the bytes of the LoRA that the run saved.
  func train(
    _ plan: StableTrainingPlan, _ regularization: TrainingData? = nil, to name: String, until stop: Int? = nil,
    samplesEvery: Int = 0
  ) throws -> Data {
    let trainer = try trainer(plan, regularization)
    trainer.samplesEvery = samplesEvery
    let folder = folder.appendingPathComponent(name)
    let run = TrainingRun(trainer, in: folder, saving: TrainingRun.Saving(every: 1000))
    _ = try run.run { _ in run.stepsDone >= stop ?? .max }
    return try Data(contentsOf: trainer.result(in: folder))
  }
}
