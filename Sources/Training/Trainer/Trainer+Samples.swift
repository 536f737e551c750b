import Flux
import Foundation
import Images
import Models
import Runs
import Support
import Torch

/// Images that show the progress of a run, in its folder and in its log.
extension Trainer {
  /// Writes a contact sheet of images and their reconstructions.
  public func savePreviews(after step: Int, in folder: URL, _ log: TrainingLog) throws {
    // Levels of a palette decoder show in larger images only.
    let (own, isLarge) = (model.configuration.imageSize, plan.trainsFieldLevels)
    let (size, count) = isLarge ? (plan.superResolutionSide, 4) : (own, 8)
    let images = try load(.preview, 0..<count, size: size).images
    let decoded = withNoGrad {
      let latents = model.autoencoder.encode(isLarge ? images.avgPool2d(size / own) : images)
      return model.autoencoder.decode(latents, size: isLarge ? (size, size) : nil)
    }
    let sheet = ContactSheet.lay(
      TensorImage.images(images.to(.cpu)) + TensorImage.images(decoded.to(.cpu)), columns: count)
    try show(sheet, "reconstructions", step, folder, log)
  }

  /// Writes samples at intervals and after the last step.
  public func report(after step: Int, isSaved: Bool, in folder: URL, _ log: TrainingLog) throws {
    guard samplesEvery > 0, step % samplesEvery == 0 || step == plan.steps else { return }
    try saveSamples(step, folder, log)
  }

  /// Writes samples for the captions of the first eight images, always from the same noise.
  private func saveSamples(_ step: Int, _ folder: URL, _ log: TrainingLog) throws {
    guard step > plan.range(of: .joint).lowerBound, plan.stage(at: step - 1) != .autoencoder else { return }
    let captions = try examples.batch(.preview, 0..<8, size: 8).captions
    let pipeline = Pipeline(model: model, prompts: prompts, source: ModelSource(name: "training", hash: ""))
    let images = try networks.withEMAWeights {
      try captions.enumerated().map { index, caption in
        var request = GenerationRequest(prompt: caption, seed: UInt64(index), steps: 12)
        if plan.captionDropout == 0 { request.guidance.scale = 1 }  // it never learned what the empty caption means
        return try pipeline.generate(request).image
      }
    }
    try show(ContactSheet.lay(images, columns: 4), "samples", step, folder, log)
    try saveNearest(to: images, step, folder, log)
  }

  /// Writes the samples over the images of the pool that they are nearest to, as an early look at overfitting: a sample
  /// that is its training image was learned by heart.
  ///
  /// Scenes are endless and have no such images. The distance is the root mean square of the differences of normalized
  /// latents; it is about 1.4 for unrelated images.
  private func saveNearest(to samples: [Image], _ step: Int, _ folder: URL, _ log: TrainingLog) throws {
    // Samples are square, and latents of other shapes have no distance from them.
    guard examples is ImageExamples, plan.aspectBuckets == nil, let pool else { return }
    let latents = withNoGrad { model.autoencoder.encode(TensorImage.tensor(samples).to(device)).to(.float32) }
    let matches = samples.indices.map { pool.nearest(to: latents[$0]) }
    let known = withNoGrad { model.autoencoder.decode(pool.latents(matches.map(\.row))) }
    let sheet = ContactSheet.lay(samples + TensorImage.images(known.to(.cpu)), columns: samples.count)
    try show(sheet, "nearest", step, folder, log)
    let names = matches.map { String(format: "%.2f ", $0.distance) + pool.ids[$0.row] }
    onMessage("nearest training images after step \(step): \(names.joined(separator: ", "))")
  }

  private func show(_ sheet: Image, _ name: String, _ step: Int, _ folder: URL, _ log: TrainingLog) throws {
    let png = try PNG.encode(sheet)
    try AtomicFile.write(png, to: folder.appendingPathComponent("\(name).png"))
    try log.add(name, png: png, width: sheet.width, height: sheet.height, step: step)
  }
}
