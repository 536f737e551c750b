import Flux
import Foundation
import TestSupport
import Testing
import Torch

@testable import Training

@Suite struct StableForecastTests {
  private func forecast(
    _ fixture: StableTrainingFixture, _ model: StableDiffusionModel, _ plan: StableTrainingPlan,
    _ regularization: TrainingData? = nil
  ) throws -> Forecast {
    try StableTrainer.forecast(
      plan, on: fixture.data, regularization: regularization, model: model, summary: ModelSummary(fixture.source),
      speed: 1e9)
  }

  @Test func aRunIsForetoldWithoutItsWeights() throws {
    try Project.inTemporaryFolder { folder in
      let (fixture, plan) = (try StableTrainingFixture(in: folder), try StableTrainingFixture(in: folder).plan())
      let model = try fixture.model()
      let simple = try forecast(fixture, model, plan)
      #expect(model.unet.parameters[0].tensor.doubles()[0].isNaN, "no weights were read")
      #expect(simple.text.contains("unet 63") || (simple.parameters["unet"] ?? 0) == model.unet.parameterCount)
      #expect(
        try simple.parameters["lora"] == fixture.trainer(plan).loras.parameters.reduce(0) { $0 + $1.tensor.count })
      #expect(simple.stages.map(\.steps) == [6] && simple.imageSize == 32 && simple.poolSeconds > 0)
      func seconds(_ change: (inout StableTrainingPlan) -> Void) throws -> Double {
        var other = plan
        change(&other)
        return try forecast(fixture, model, other).seconds
      }
      let plain = simple.seconds
      #expect(try abs(seconds { $0.batch = 4 } - plain - 6 * simple.stages[0].secondsPerStep) < 1e-9)
      #expect(try seconds { $0.gradientCheckpointing = true } > plain)
      #expect(try seconds { $0.trained = [.textEncoder, .unet] } > plain)
    }
  }

  @Test func checkpointingTakesLessMemoryAndLargerImagesMore() throws {
    try Project.inTemporaryFolder { folder in
      let fixture = try StableTrainingFixture(in: folder)
      let model = try fixture.model()
      func bytes(_ change: (inout StableTrainingPlan) -> Void) throws -> Int {
        var plan = fixture.plan()
        plan.size = 128
        change(&plan)
        return try forecast(fixture, model, plan).peakBytes
      }
      let plain = try bytes { _ in }
      #expect(try bytes { $0.gradientCheckpointing = true } < plain)
      #expect(try bytes { $0.batch = 8 } > plain && bytes { ($0.batch, $0.accumulation) = (8, 4) } == plain)
    }
  }

  /// A step learns from as many images again, and they are encoded first; those of a smaller shape cost less.
  @Test func regularizationImagesAndShapesAreCounted() throws {
    try Project.inTemporaryFolder { folder in
      let fixture = try StableTrainingFixture(in: folder, sizes: [(60, 40), (60, 40), (60, 40), (40, 40)])
      let (model, prior) = (try fixture.model(), try fixture.prior([(40, 40), (40, 40)]))
      var plan = fixture.plan()
      let plain = try forecast(fixture, model, plan)
      plan.regularization = .init(prior)
      let both = try forecast(fixture, model, plan, prior)
      #expect(abs(both.stages[0].secondsPerStep - 2 * plain.stages[0].secondsPerStep) < 1e-9)
      #expect(both.poolSeconds > 1.2 * plain.poolSeconds && both.peakBytes > plain.peakBytes && both.buckets == nil)
      (plan.regularization, plan.aspectBuckets) = (nil, true)
      let shaped = try forecast(fixture, model, plan)
      #expect(shaped.poolSeconds < plain.poolSeconds && shaped.peakBytes <= plain.peakBytes)
      #expect(shaped.buckets?.hasPrefix("32×32 (1 image), 40×24 (3 images); cropping removes") == true)
      // Two batches of the three wide images and one of the square: four images in three steps instead of six.
      #expect(shaped.stages[0].secondsPerStep < 4.0 / 6 * plain.stages[0].secondsPerStep)
    }
  }
}
