import Datasets
import Flux
import Foundation
import Images
import TestSupport
import Torch

@testable import Training

/// A small model of Stable Diffusion's family with three images of people's own.
struct StableTrainingFixture {
  let folder: URL
  let data: TrainingData
  let source: URL

  /// Images in a new folder of `folder`, and one of the small models that goldens are made with.
  init(in folder: URL, model: String = "stable_diffusion", crop: Crop = .center) throws {
    self.folder = folder
    let photos = folder.appendingPathComponent("photos")
    try FileManager.default.createDirectory(at: photos, withIntermediateDirectories: true)
    for (index, caption) in ["a red fox", "a small house", "blue sky"].enumerated() {
      let pixels = (0..<3 * 40 * 40).map { UInt8(($0 * (index + 3) + $0 / 97 * 31) % 256) }
      let image = Image(width: 40, height: 40, channels: .rgb, pixels: pixels)
      try Data(PNG.encode(image)).write(to: photos.appendingPathComponent("\(index).png"))
      try Data(caption.utf8).write(to: photos.appendingPathComponent("\(index).txt"))
    }
    data = .images(try ImageFolder(photos), crop: crop, mirror: false)
    source = Project.golden("\(model)/model")
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

  func trainer(_ plan: StableTrainingPlan) throws -> StableTrainer {
    try StableTrainer(plan, on: data, model: model(), winograd: false)
  }
}
