import Diffusion
import Foundation
import Testing

@Suite struct TimeGridTests {
  let cosine = GaussianTests.schedule()

  private func timesteps(_ kind: SamplerKind, _ steps: Int, _ spacing: Spacing? = nil) throws -> [Double] {
    try TimeGrid(cosine, kind: kind, steps: steps, spacing: spacing).times.dropLast().map(\.timestep)
  }

  @Test func aThousandStepsOfDDPMVisitEveryTime() throws {
    #expect(try timesteps(.ddpm, 1000) == (0..<1000).reversed().map(Double.init))
  }

  @Test func twoHundredAndFiftyStepsOfDDPMVisitEveryFourthTime() throws {
    #expect(try timesteps(.ddpm, 250) == stride(from: 996, through: 0, by: -4).map(Double.init))
  }

  @Test func spacingsStartAndEndWhereTheirTableSays() throws {
    #expect(try timesteps(.ddim, 10, .leading) == stride(from: 900.0, through: 0, by: -100).map { $0 })
    #expect(try timesteps(.ddim, 10, .trailing) == stride(from: 999.0, through: 99, by: -100).map { $0 })
    #expect(try timesteps(.euler, 4, .linspace) == [999, 666, 333, 0])
    #expect(try timesteps(.dpmpp_2m, 3, .linspace) == [999, 666, 333])
  }

  @Test(arguments: SamplerKind.allCases, Spacing.allCases)
  func noiseFallsStrictlyAndEndsAtNone(_ kind: SamplerKind, _ spacing: Spacing) throws {
    for steps in [1, 2, 3, 7, 16, 25, 50, 99, 250] {
      for lambda in [-Double.infinity, -5.1, -2] {
        let grid = try TimeGrid(cosine, kind: kind, steps: steps, spacing: spacing, lowestLambda: lambda)
        let levels = grid.times.map(\.noiseLevel)
        #expect(zip(levels, levels.dropFirst()).allSatisfy { $0 > $1 }, "\(steps) steps")
        #expect(grid.times.last == .clean)
        #expect(grid.count <= steps && grid.count > 0)
        #expect(grid.times.dropLast().allSatisfy { $0.lambda >= lambda - 1e-9 })
        #expect(grid.times.allSatisfy { abs($0.alpha * $0.alpha + $0.sigma * $0.sigma - 1) < 1e-12 })
      }
    }
  }

  @Test func theNoisyEndCanBeLeftOut() throws {
    // Of the cosine schedule's thousand times the last four have log(α/σ) below −5.1.
    #expect(cosine.lastTimestep(lambda: -5.1) == 995)
    let grid = try TimeGrid(cosine, kind: .ddpm, steps: 1000, lowestLambda: -5.1)
    #expect(grid.count == 996 && grid.times[0].timestep == 995)
  }

  @Test func illConditionedTimesAreLeftOutWhereTheyHarm() throws {
    let epsilon = GaussianTests.schedule(.cosine, .epsilon)
    func first(_ schedule: Schedule, _ kind: SamplerKind, _ spacing: Spacing) throws -> Double {
      try TimeGrid(schedule, kind: kind, steps: 20, spacing: spacing).times[0].timestep
    }
    #expect(try first(cosine, .dpmpp_2m, .trailing) == 999)
    #expect(try first(cosine, .heun, .trailing) == 995)
    #expect(try first(cosine, .dpmpp_2m, .karras) == 995)
    #expect(try first(epsilon, .dpmpp_2m, .trailing) == 995)
    #expect(try first(epsilon, .ddpm, .trailing) == 999)
    #expect(try first(GaussianTests.schedule(.scaledLinear, .epsilon), .heun, .karras) == 999)
  }

  @Test func timeAndNoiseLevelAreInverse() {
    for t in [0, 0.5, 1, 17.25, 500, 900.75, 998] {
      let level = cosine.time(at: t).noiseLevel
      #expect(abs(cosine.timestep(noiseLevel: level) - t) < 0.06)
    }
    #expect(cosine.timestep(noiseLevel: 1e9) == 999)
    #expect(cosine.timestep(noiseLevel: 0) == 0)
  }

  @Test func impossibleStepCountsAreRefused() {
    #expect(throws: SamplingError.steps(0, allowed: 1...1000)) { try timesteps(.ddim, 0) }
    #expect(throws: SamplingError.steps(1001, allowed: 1...1000)) { try timesteps(.ddpm, 1001) }
    #expect(throws: SamplingError.tooFine(sampler: .dpmpp_2m, spacing: .linspace, steps: 1000)) {
      try timesteps(.dpmpp_2m, 1000, .linspace)
    }
  }

  @Test func strengthSaysWhereImageToImageBegins() throws {
    let grid = try TimeGrid(cosine, kind: .ddim, steps: 10)
    #expect(try grid.start(strength: 1) == 0)
    #expect(try grid.start(strength: 0.7) == 3)
    #expect(try grid.start(strength: 0.75) == 3)
    #expect(try grid.start(strength: 0) == 10)
    #expect(try grid.start(strength: 0.09) == 10)
    #expect(try TimeGrid(cosine, kind: .ddim, steps: 100).start(strength: 0.29) == 72, "28.999… steps, as in diffusers")
    #expect(throws: SamplingError.strength(1.5)) { try grid.start(strength: 1.5) }
  }
}
