import Diffusion
import TestSupport
import Testing
import Torch

@Suite struct PredictionTests {
  let clean = Tensor.randn([2, 3, 4, 4], generator: Generator(seed: 1)).to(.float64)
  let noise = Tensor.randn([2, 3, 4, 4], generator: Generator(seed: 2)).to(.float64)
  let time = DiffusionTime(timestep: 700, noiseLevel: 3)
  var x: Tensor { clean * time.alpha + noise * time.sigma }

  @Test(arguments: Prediction.allCases) func theTrainingTargetIsUnderstoodBySampling(_ prediction: Prediction) {
    func column(_ value: Double) -> Tensor { Tensor.full([2, 1, 1, 1], value, dtype: .float64) }
    let target = prediction.target(
      clean: clean, noise: noise, alpha: column(time.alpha), sigma: column(time.sigma))
    let estimate = prediction.estimate(target, at: x, time: time)
    expectClose(estimate.clean, clean, atol: 1e-12)
    expectClose(estimate.noise, noise, atol: 1e-12)
  }

  @Test(arguments: Prediction.allCases) func aClampedEstimateStillMakesUpX(_ prediction: Prediction) {
    let output = Tensor.randn([2, 3, 4, 4], generator: Generator(seed: 3)).to(.float64)
    let estimate = prediction.estimate(output, at: x, time: time, cleanRange: -0.5...0.5)
    #expect(estimate.clean.abs().max().item() == 0.5)
    expectClose(estimate.clean * time.alpha + estimate.noise * time.sigma, x, atol: 1e-12)
  }
}
