import Diffusion
import Testing
import Torch

@Suite struct DiffusionLossTests {
  private func loss(
    _ prediction: Prediction, _ lossType: DiffusionLoss.LossType = .l2, minSNR: Double? = nil
  ) -> DiffusionLoss {
    DiffusionLoss(
      schedule: Schedule(Schedule.Configuration(betaSchedule: .cosine, predictionType: prediction)),
      lossType: lossType, minSNR: minSNR)
  }

  /// The same error of the clean latent costs the same whatever the network predicts.
  @Test(arguments: [10, 300, 500, 900]) func minSNRMeansTheSameForEveryPrediction(timestep: Int) {
    let schedule = loss(.v).schedule
    let (alpha, sigma) = (schedule.alpha(timestep), schedule.sigma(timestep))
    let ratio = alpha * alpha / (sigma * sigma)
    // ε = (x − α x₀) / σ and v = (α x − x₀) / σ: what one of x₀ is of each.
    let costs: [(Prediction, Double)] = [(.sample, 1), (.epsilon, alpha / sigma), (.v, 1 / sigma)]
    for (prediction, error) in costs {
      let cost = loss(prediction, minSNR: 5).weight(at: timestep) * error * error
      #expect(abs(cost / min(ratio, 5) - 1) < 1e-9, "\(prediction)")
    }
  }

  @Test func weightsOfDistancesThatAreNotSquaredAreRoots() {
    for lossType in [DiffusionLoss.LossType.l1, .huber] {
      let root = loss(.v, lossType, minSNR: 5).weight(at: 100)
      #expect(abs(root * root - loss(.v, minSNR: 5).weight(at: 100)) < 1e-12)
    }
  }

  @Test func withoutALimitAllTimesWeighOne() {
    #expect([0, 500, 999].allSatisfy { loss(.v).weight(at: $0) == 1 })
    let clean = Tensor.zeros([2, 4, 2, 2])
    #expect(loss(.v).noisyBatch(clean: clean, generator: Generator(seed: 1)).weights == nil)
    #expect(loss(.v, minSNR: 5).noisyBatch(clean: clean, generator: Generator(seed: 1)).weights?.shape == [2, 1, 1, 1])
  }

  @Test func distancesAreTheirFormulas() {
    let (output, target) = (Tensor([1, -2] as [Float], shape: [2]), Tensor([0, 0] as [Float], shape: [2]))
    #expect(loss(.v, .l1)(output, target).item() == 1.5)
    #expect(loss(.v, .l2)(output, target).item() == 2.5)
    #expect(abs(loss(.v, .huber)(output, target).item() - ((1.01.squareRoot() + 4.01.squareRoot()) / 2 - 0.1)) < 1e-6)
  }
}
