import Datasets
import Flux
import Foundation
import Images
import TestSupport
import Testing
import Torch

@testable import Training

/// Images of several shapes for a LoRA of Stable Diffusion: of 40×24, 32×32 and 24×40 pixels, four to a latent cell.
@Suite struct StableBucketTests {
  private let sizes = [(60, 40), (60, 40), (40, 60), (40, 40), (66, 40), (40, 60), (40, 42)]

  private func plan(_ fixture: StableTrainingFixture) -> StableTrainingPlan {
    var plan = fixture.plan()
    plan.aspectBuckets = true
    return plan
  }

  /// Two batches of the three wide images, one of the tall and one of the square ones.
  @Test(arguments: [Crop.center, .random]) func anEpochHasEveryImageOnceInItsShape(crop: Crop) throws {
    try Project.inTemporaryFolder { folder in
      let fixture = try StableTrainingFixture(in: folder, crop: crop, sizes: sizes)
      let trainer = try fixture.trainer(plan(fixture))
      #expect(
        trainer.summary.contains("\nbuckets: 24×40 (2 images), 32×32 (2 images), 40×24 (3 images); cropping removes "))
      for epoch in 0..<3 {
        let batches = try (epoch * 4..<(epoch + 1) * 4).map { try trainer.examples.batch($0) }
        #expect(batches.flatMap(\.ids).sorted() == sizes.indices.map { "\($0).png" })
        for batch in batches {
          for id in batch.ids {
            let (width, height) = sizes[try #require(Int(id.prefix(1)))]
            let shape = abs(width - height) < 4 ? [8, 8] : width > height ? [6, 10] : [10, 6]
            #expect(Array(batch.latents.shape.suffix(2)) == shape, "\(id)")
          }
        }
      }
      for step in 0..<4 { #expect(try #require(try trainer.takeStep(step)["diffusion"]).isFinite) }
    }
  }

  /// A wide image is encoded as a whole.
  @Test func latentsAreThoseOfTheCrop() throws {
    try Project.inTemporaryFolder { folder in
      let fixture = try StableTrainingFixture(in: folder, sizes: [(80, 48)])
      let trainer = try fixture.trainer(plan(fixture))
      let mean = try trainer.examples.latents(0, seed: 0).mean
      let image = try ImageFolder(folder.appendingPathComponent("photos")).image(0)
      let small = image.resized(width: 40, height: 24, filter: .lanczos)
      let expected = withNoGrad { trainer.model.latentDistribution(of: TensorImage.tensor([small])).mean }
      expectClose(mean, expected, atol: 1e-5)
    }
  }

  /// An image whose pixels cannot be read has its shape, and the next one stands in for it.
  @Test func anImageThatStandsInHasTheShapeOfTheOther() throws {
    try Project.inTemporaryFolder { folder in
      let fixture = try StableTrainingFixture(in: folder, sizes: [(60, 40), (40, 40), (60, 40)])
      let damaged = folder.appendingPathComponent("photos/0.png")
      try Data(contentsOf: damaged).prefix(60).write(to: damaged)
      let again = TrainingData.images(
        try ImageFolder(folder.appendingPathComponent("photos")), crop: .center, mirror: false)
      var plan = StableTrainingPlan(
        start: ModelSource(name: "model", hash: "1"), data: again, lora: .init(rank: 2), size: 32, steps: 6, batch: 2)
      plan.aspectBuckets = true
      let trainer = try StableTrainer(plan, on: again, model: fixture.model(), winograd: false)
      #expect(try trainer.isReady(for: 0) { false })
      let latents = trainer.examples.latents
      #expect(try latents(0, seed: 0).mean.shape.suffix(2) == [6, 10] && latents(0, seed: 0).item == 1)
      #expect(try latents(1, seed: 0).mean.shape.suffix(2) == [8, 8] && trainer.failures.count == 1)
      for step in 0..<4 { _ = try trainer.examples.batch(step) }
    }
  }

  @Test func squaresAreTrainedAsWithoutBuckets() throws {
    try Project.inTemporaryFolder { folder in
      let fixture = try StableTrainingFixture(in: folder)
      #expect(try fixture.train(plan(fixture), to: "with") == fixture.train(fixture.plan(), to: "without"))
    }
  }

  /// SDXL reads the size of the shape, as when it draws an image of that size.
  @Test func sdxlReadsTheSizeOfTheShape() throws {
    try Project.inTemporaryFolder { folder in
      let fixture = try StableTrainingFixture(in: folder, model: "stable_diffusion_xl", sizes: [(60, 40), (60, 40)])
      let trainer = try fixture.trainer(plan(fixture))
      let batch = try trainer.examples.batch(0)
      let (time, noisy) = (Tensor([500, 500]), batch.latents)
      try withNoGrad {
        var text = try trainer.captions(batch.captions)
        let drawn = trainer.model.predict(noisy, at: time, text)
        text.sizes = Tensor([24, 40, 0, 0, 24, 40], shape: [1, 6]).expanded([2, 6])
        #expect(drawn.bytes() == trainer.model.unet(noisy, at: time, text).bytes())
        text.sizes = Tensor([32, 32, 0, 0, 32, 32], shape: [1, 6]).expanded([2, 6])
        #expect(drawn.bytes() != trainer.model.unet(noisy, at: time, text).bytes())
      }
    }
  }

  /// Multiples of the coarsest level's cells and of a sixteenth of the model's side: of 64 pixels for published models.
  @Test func sidesAreMultiplesOfTheCoarsestCells() throws {
    try Project.inTemporaryFolder { folder in
      let model = try StableTrainingFixture(in: folder).model()
      let buckets = model.aspectBuckets(size: 64)
      #expect(buckets.side == 16 && buckets.multiple == 2)
      #expect(buckets.buckets.allSatisfy { $0.width.isMultiple(of: 2) && $0.height.isMultiple(of: 2) })
    }
  }
}
