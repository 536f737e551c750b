import Foundation
import Runs
import TestSupport
import Testing
import Torch

@testable import Evaluation

@Suite(.serialized) struct DetectorRunTests {
  private func plan(steps: Int = 5, seed: UInt64 = 1) -> DetectorTrainer.Plan {
    DetectorTrainer.Plan(world: .small, steps: steps, batch: 2, seed: seed, bfloat16: false)
  }

  /// Runs up to step `stop`, with a checkpoint at the stop.
  @discardableResult
  private func run(
    _ plan: DetectorTrainer.Plan, in folder: URL, until stop: Int = .max
  ) throws -> (outcome: TrainingRun.Outcome, trainer: DetectorTrainer) {
    let trainer = try DetectorTrainer(plan)
    let run = TrainingRun(trainer, in: folder)
    return (try run.run { _ in run.stepsDone >= stop }, trainer)
  }

  private func judge(_ run: URL) throws -> Data {
    try Data(contentsOf: run.appendingPathComponent("judge/model.safetensors"))
  }

  @Test func anInterruptedRunEndsInTheSameJudge() throws {
    try Project.inTemporaryFolder { folder in
      let (whole, parts) = (folder.appendingPathComponent("whole"), folder.appendingPathComponent("parts"))
      let expected = try run(plan(), in: whole)
      #expect(expected.outcome == .finished)
      for stop in [1, 3] { #expect(try run(plan(), in: parts, until: stop).outcome == .stopped(step: stop)) }
      let actual = try run(plan(), in: parts)
      func bytes(_ trainer: DetectorTrainer) -> [[UInt8]] {
        (trainer.weights + trainer.moments).map { $0.tensor.bytes() }
      }
      #expect(actual.outcome == .finished && bytes(actual.trainer) == bytes(expected.trainer))
      #expect(try judge(parts) == judge(whole))
      #expect(try LearnedReader(directory: parts.appendingPathComponent("judge")).world == .small)
    }
  }

  @Test func aRunRefusesOtherSettingsAndMayBeLengthened() throws {
    try Project.inTemporaryFolder { folder in
      try run(plan(steps: 2), in: folder)
      let before = try judge(folder)
      let differences = ["seed 1 there, 2 here"]
      #expect(throws: RunError.otherPlan(folder: folder.path, differences: differences)) {
        try run(plan(steps: 2, seed: 2), in: folder)
      }
      let longer = try run(plan(steps: 3), in: folder)
      #expect(longer.outcome == .finished && longer.trainer.restarted == 2)
      #expect(try judge(folder) != before)
    }
  }

  /// What is used is the EMA, while the network keeps its own weights.
  @Test func theJudgeHasTheAverageOfTheWeights() throws {
    try Project.inTemporaryFolder { folder in
      let trainer = try DetectorTrainer(plan(steps: 3))
      trainer.storage = .float32
      #expect(try TrainingRun(trainer, in: folder).run() == .finished)
      let saved = try GlyphDetector.load(from: folder.appendingPathComponent("judge")).parameters
      let averages = trainer.weights.filter { $0.key.hasPrefix("ema.") }
      #expect(saved.count == averages.count)
      #expect(zip(saved, averages).allSatisfy { $0.tensor.bytes() == $1.tensor.bytes() })
      #expect(zip(saved, trainer.network.parameters).contains { $0.tensor.bytes() != $1.tensor.bytes() })
    }
  }
}
