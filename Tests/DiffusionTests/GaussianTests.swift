import Diffusion
import Foundation
import TestSupport
import Testing
import Torch

/// Data that is N(μ, s²) has an exact denoiser, and its ODE a solution in closed form.
@Suite struct GaussianTests {
  static let mean = 0.7
  static let deviation = 0.4
  static let ode: [SamplerKind] = [.ddim, .euler, .heun, .dpmpp_2m, .dpmpp_2s, .unipc]

  static func schedule(_ betas: Schedule.Configuration.Betas = .cosine, _ prediction: Prediction = .v)
    -> Schedule
  {
    Schedule(Schedule.Configuration(betaSchedule: betas, predictionType: prediction))
  }

  /// The posterior mean of x₀ as the network's output.
  static func denoiser(_ prediction: Prediction) -> Denoiser {
    { x, time in
      let variance = pow(time.alpha * deviation, 2) + time.sigma * time.sigma
      let clean = (x - time.alpha * mean) * (time.alpha * deviation * deviation / variance) + mean
      let noise = (x - time.alpha * mean) * (time.sigma / variance)
      return switch prediction {
      case .epsilon: noise
      case .v: time.alpha * noise - time.sigma * clean
      case .sample: clean
      }
    }
  }

  /// Where the ODE carries x from `time`: its quantile stays what it is.
  static func solution(_ x: Tensor, from time: DiffusionTime) -> Tensor {
    let spread = (pow(time.alpha * deviation, 2) + time.sigma * time.sigma).squareRoot()
    return (x - time.alpha * mean) * (deviation / spread) + mean
  }

  private func sample(
    _ kind: SamplerKind, _ steps: Int, _ noise: NoiseSource, prediction: Prediction = .v, eta: Double = 0,
    spacing: Spacing = .exponential
  ) throws -> (final: Tensor, expected: Tensor) {
    let grid = try TimeGrid(
      Self.schedule(.cosine, prediction), kind: kind, steps: steps, spacing: spacing, lowestLambda: -5.1)
    let x = grid.initial(noise.next().to(.float64))
    let steps = Denoising(
      x, along: grid, sampler: kind.makeSampler(eta: eta), prediction: prediction, noise: noise,
      denoiser: Self.denoiser(prediction))
    return (Array(steps).last!.latent, Self.solution(x, from: grid.times[0]))
  }

  @Test(arguments: ode, Prediction.allCases)
  func anODESamplerReachesTheKnownSolution(_ kind: SamplerKind, _ prediction: Prediction) throws {
    let noise = NoiseSource(seeds: [3], shape: [4, 8, 8])
    let (final, expected) = try sample(kind, 100, noise, prediction: prediction)
    let isFirstOrder = kind == .ddim || kind == .euler
    expectClose(final, expected, atol: isFirstOrder ? 0.03 : 0.004, "\(kind)")
  }

  @Test(arguments: ode) func moreStepsConvergeAtTheOrderOfTheSolver(_ kind: SamplerKind) throws {
    func error(_ steps: Int) throws -> Double {
      let (final, expected) = try sample(kind, steps, NoiseSource(seeds: [3], shape: [4, 8, 8]))
      return (final - expected).abs().mean().item()
    }
    let ratio = try error(40) / error(80)
    let isFirstOrder = kind == .ddim || kind == .euler
    #expect(ratio > (isFirstOrder ? 1.8 : 3), "twice the steps divided the error by \(ratio)")
  }

  @Test(arguments: [(SamplerKind.ddpm, 0.0), (.euler_a, 0), (.ddim, 1), (.ddim, 0.5)])
  func aStochasticSamplerKeepsMeanAndVariance(_ kind: SamplerKind, eta: Double) throws {
    let noise = NoiseSource(seeds: [11], shape: [16, 64, 64])
    let (final, _) = try sample(kind, 250, noise, eta: eta, spacing: .trailing)
    // 65,536 samples: standard errors of 0.0016 and 0.0011, and the discretization's own bias.
    #expect(abs(final.mean().item() - Self.mean) < 0.008, "mean \(final.mean().item())")
    #expect(abs(final.std().item() - Self.deviation) < 0.008, "deviation \(final.std().item())")
  }
}
