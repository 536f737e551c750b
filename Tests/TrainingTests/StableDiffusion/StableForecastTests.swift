import Flux
import Foundation
import TestSupport
import Testing
import Torch

@testable import Training

@Suite struct StableForecastTests {
  private func forecast(
    _ fixture: StableTrainingFixture, _ model: StableDiffusionModel, _ plan: StableTrainingPlan
  ) throws -> Forecast {
    try StableTrainer.forecast(
      plan, on: fixture.data, model: model, summary: ModelSummary(fixture.source), speed: 1e9)
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
}
