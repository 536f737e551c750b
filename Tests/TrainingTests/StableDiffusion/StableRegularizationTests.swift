import Flux
import Foundation
import TestSupport
import Testing
import Torch

@testable import Training

/// Images that a LoRA of Stable Diffusion shall not change.
@Suite struct StableRegularizationTests {
  private func plan(_ fixture: StableTrainingFixture, _ prior: TrainingData?, weight: Double = 1) -> StableTrainingPlan
  {
    var plan = fixture.plan()
    plan.regularization = prior.map { .init($0, weight: weight) }
    return plan
  }

  /// The loss of the first step is that of a run without them, and their own times the weight; so are the gradients.
  @Test(arguments: [1, 2]) func theirWeightIsThatOfTheirLoss(accumulation: Int) throws {
    try Project.inTemporaryFolder { folder in
      let fixture = try StableTrainingFixture(in: folder)
      let prior = try fixture.prior([(40, 40), (30, 40), (50, 50), (40, 40)])
      func first(_ prior: TrainingData?, weight: Double = 1) throws -> (loss: Double, gradients: [Tensor]) {
        var plan = plan(fixture, prior, weight: weight)
        plan.accumulation = accumulation
        let trainer = try fixture.trainer(plan, prior)
        let batches = try trainer.sources.map { try $0.batch(0) }
        let loss = try trainer.accumulate(batches, 0, trainer.generator(0))
        return (loss, trainer.loras.parameters.compactMap(\.tensor.grad))
      }
      let (alone, one, three) = (try first(nil), try first(prior), try first(prior, weight: 3))
      let own = one.loss - alone.loss
      #expect(own > 0.1 && abs(three.loss - alone.loss - 3 * own) < 1e-5)
      for (index, gradient) in alone.gradients.enumerated() {
        let own = one.gradients[index] - gradient
        expectClose(three.gradients[index], gradient + own * 3, atol: 1e-4 * own.abs().max().item() + 1e-7)
      }
      #expect(zip(alone.gradients, one.gradients).contains { $0.bytes() != $1.bytes() })
    }
  }

  /// Their images and random numbers are drawn beside those of the training images, which stay the same.
  @Test func theTrainingImagesAreThoseOfARunWithoutThem() throws {
    try Project.inTemporaryFolder { folder in
      let fixture = try StableTrainingFixture(in: folder)
      let prior = try fixture.prior([(40, 40), (40, 40), (40, 40)])
      let (with, without) = (try fixture.trainer(plan(fixture, prior), prior), try fixture.trainer(fixture.plan()))
      for step in 0..<3 {
        let (own, others) = (try with.examples.batch(step), try #require(with.regularization).batch(step))
        let alone = try without.examples.batch(step)
        #expect(own.latents.bytes() == alone.latents.bytes() && own.captions == alone.captions && own.ids == alone.ids)
        #expect(others.latents.shape == own.latents.shape && others.latents.bytes() != own.latents.bytes())
      }
    }
  }

  /// Those of another shape, too, with shapes.
  @Test(arguments: [false, true]) func anInterruptedRunEndsInTheSameFactors(hasBuckets: Bool) throws {
    try Project.inTemporaryFolder { folder in
      let fixture = try StableTrainingFixture(in: folder, sizes: [(60, 40), (60, 40), (40, 40)])
      let prior = try fixture.prior([(40, 60), (40, 40), (40, 40), (40, 60)])
      var plan = plan(fixture, prior)
      plan.aspectBuckets = hasBuckets ? true : nil
      let whole = try fixture.train(plan, prior, to: "whole")
      for stop in [2, 5] { #expect(try fixture.train(plan, prior, to: "parts", until: stop) != whole) }
      #expect(try fixture.train(plan, prior, to: "parts") == whole)
      plan.regularization = nil
      #expect(try fixture.train(plan, to: "alone") != whole)
    }
  }

  /// All are encoded before the first step, after which the autoencoder is not needed.
  @Test func imagesAndCaptionsOfBothAreEncodedFirst() throws {
    try Project.inTemporaryFolder { folder in
      let fixture = try StableTrainingFixture(in: folder)
      let prior = try fixture.prior([(40, 40), (40, 40)])
      let trainer = try fixture.trainer(plan(fixture, prior), prior)
      var calls = 0
      #expect(
        try !trainer.isReady(for: 0) {
          calls += 1
          return calls > 8  // four captions and three images, one of the others
        })
      #expect(try trainer.isReady(for: 0) { false })
      let autoencoder = try #require(trainer.model.networks.first { $0.name == "autoencoder" }?.network)
      #expect(autoencoder.parameters[0].tensor.doubles()[0].isNaN, "its weights are not in memory")
      let before = trainer.sources.map(\.latents.seconds)
      _ = try trainer.takeStep(0)
      #expect(trainer.sources.map(\.latents.seconds) == before)
    }
  }

  @Test func plansWithoutThemAreThoseOfEarlierVersions() throws {
    try Project.inTemporaryFolder { folder in
      let fixture = try StableTrainingFixture(in: folder)
      var plan = fixture.plan()
      let text = String(decoding: try JSONEncoder().encode(plan), as: UTF8.self)
      #expect(!text.contains("regularization") && !text.contains("aspectBuckets"))
      #expect(try JSONDecoder().decode(StableTrainingPlan.self, from: Data(text.utf8)) == plan)
      for weight in [0, -1, Double.infinity] {
        plan.regularization = .init(fixture.data, weight: weight)
        let error = #expect(throws: (any Error).self) { try plan.validate() }
        #expect("\(try #require(error))".hasPrefix("regularization weight is "))
      }
    }
  }
}
