import Diffusion
import TestSupport
import Testing
import Torch

@Suite struct PredictionTargetTests {
  private let x = Tensor.randn([2, 3, 4, 4], generator: Generator(seed: 1)).to(.float64)
  private let end = Tensor.randn([2, 3, 4, 4], generator: Generator(seed: 2)).to(.float64)

  /// Also on the last step, to no noise at all.
  @Test(arguments: Prediction.allCases) func oneStepWithTheTargetLandsWhereItShould(_ prediction: Prediction) throws {
    let schedule = Schedule(Schedule.Configuration(betaSchedule: .cosine, predictionType: prediction))
    let grid = try TimeGrid(schedule, kind: .ddim, steps: 16, spacing: .trailing).every(4)
    for index in 0..<grid.count {
      let (s, t) = (grid.times[index], grid.times[index + 1])
      let target = prediction.target(landingAt: end, from: x, s, to: t)
      var sampler = DDIM()
      let landed = sampler.step(
        x, at: index, of: grid,
        estimate: { x, time in prediction.estimate(target, at: x, time: time) }, noise: { fatalError("no noise") }
      ).x
      expectClose(landed, end, atol: 1e-9, "\(prediction) \(index)")
    }
  }

  @Test(arguments: Prediction.allCases) func outputsAndCleanLatentsAreTwoWaysToSayIt(_ prediction: Prediction) {
    let time = DiffusionTime(timestep: 500, noiseLevel: 1.3)
    let output = prediction.output(clean: end, at: x, time: time)
    expectClose(prediction.estimate(output, at: x, time: time).clean, end, atol: 1e-12)
  }

  @Test func everyFourthTimeOfSixteenStepsIsTheGridOfFour() throws {
    let schedule = Schedule(Schedule.Configuration(betaSchedule: .cosine, predictionType: .v))
    func grid(_ steps: Int) throws -> TimeGrid {
      try TimeGrid(schedule, kind: .ddim, steps: steps, spacing: .trailing)
    }
    #expect(try grid(16).every(4) == grid(4))
    #expect(try grid(20).every(5) == grid(4))
    #expect(try grid(9).every(3) == grid(3))
  }
}
