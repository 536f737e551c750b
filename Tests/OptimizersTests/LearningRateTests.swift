import Testing

@testable import Optimizers

@Suite struct LearningRateTests {
  @Test func itRisesToThePeakAndFallsToZeroOverTheLastSteps() {
    let schedule = LearningRate(warmup: 10, decay: .linear(share: 0.25))
    let shares = (100..<200).map { schedule.share(at: $0, in: 100..<200) }
    #expect(shares[0] == 0.1 && shares[4] == 0.5)
    #expect(shares[9...75].allSatisfy { $0 == 1 })
    #expect(abs(shares[76] - 0.96) < 1e-12 && abs(shares[99] - 0.04) < 1e-12)
  }

  @Test func withoutDecayThePeakIsKept() {
    let schedule = LearningRate(warmup: 0, decay: .linear(share: 0))
    #expect((0..<50).allSatisfy { schedule.share(at: $0, in: 0..<50) == 1 })
  }

  @Test func aCosineFallsFromTheEndOfTheWarmup() {
    let schedule = LearningRate(warmup: 20, decay: .cosine)
    #expect(schedule.share(at: 9, in: 0..<120) == 0.5)
    #expect(schedule.share(at: 20, in: 0..<120) == 1)
    #expect(abs(schedule.share(at: 70, in: 0..<120) - 0.5) < 1e-12)
    #expect(schedule.share(at: 119, in: 0..<120) < 0.001)
  }

  @Test func aWarmupAsLongAsTheRunDividesByNothing() {
    for decay in [LearningRate.Decay.linear(share: 1), .cosine] {
      let shares = (0..<3).map { LearningRate(warmup: 3, decay: decay).share(at: $0, in: 0..<3) }
      #expect(shares.allSatisfy { (0...1).contains($0) })
    }
  }
}
