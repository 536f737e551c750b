import Runs
import Testing

@testable import Training

/// The first pool takes long; a run that is asked to stop does not finish it first.
@Suite(.serialized) struct PoolStopTests {
  @Test func aRunStopsWhileThePoolIsFilled() throws {
    try CacheFixture.with { fixture in
      var plan = fixture.plan()
      plan.poolSize = 128  // two blocks
      let first = plan.range(of: .diffusion).lowerBound
      var (asked, stopsAt) = (0, first + 2)  // once before each step, then before each block
      let run = { (trainer: Trainer) in
        try TrainingRun(
          trainer, in: fixture.folder.appendingPathComponent("run"), saving: TrainingRun.Saving(every: 1000)
        ).run { _ in
          asked += 1
          return asked > stopsAt
        }
      }
      #expect(try run(try fixture.trainer(plan)) == .stopped(step: first))
      #expect(try fixture.files("latents").count == 1)  // and what was made is kept
      (asked, stopsAt) = (0, .max)
      let trainer = try fixture.trainer(plan)
      var said: [String] = []
      trainer.onMessage = { said.append($0) }
      #expect(try run(trainer) == .finished)
      #expect(said.contains { $0.hasPrefix("128 images") && $0.hasSuffix("64 from the cache") }, "\(said)")
    }
  }
}
