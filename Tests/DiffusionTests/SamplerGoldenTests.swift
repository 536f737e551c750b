import Diffusion
import Foundation
import TestSupport
import Testing
import Torch

/// Whole loops against diffusers' schedulers; Tools/golden/samplers.py says how they were made.
@Suite struct SamplerGoldenTests {
  struct Case: Decodable, Sendable, CustomTestStringConvertible {
    let sampler: SamplerKind
    let schedule: Schedule.Configuration.Betas
    let prediction: Prediction
    let spacing: Spacing
    let steps: Int
    let eta: Double
    let clamp: Double
    let start: Int
    let lowest_lambda: Double?

    var testDescription: String {
      "\(sampler.displayName) \(schedule) \(prediction) \(spacing) \(steps) steps from \(start), eta \(eta), clamp \(clamp)"
    }
  }

  static let golden = Project.golden("samplers.safetensors")
  static let shape = [2, 3, 4]

  /// The network that the script has, in the latent's own precision.
  static func network(_ x: Tensor, _ t: Double, _ prediction: Prediction) -> Tensor {
    let angle = Double.pi / 2 * (t + 1) / 1001
    let (c, s) = (cos(angle), sin(angle))
    let noise = s * x + 0.3 * c * x.tanh()
    let clean = 0.8 * c * x + 0.2 * x.tanh() + 0.1
    return switch prediction {
    case .epsilon: noise
    case .v: c * noise - s * clean
    case .sample: clean
    }
  }

  private func run(_ example: Case, dtype: DType) throws -> (middle: Tensor, final: Tensor) {
    let (start, end) = example.schedule == .scaledLinear ? (0.00085, 0.012) : (0.0001, 0.02)
    let schedule = Schedule(
      Schedule.Configuration(
        betaSchedule: example.schedule, betaStart: start, betaEnd: end, predictionType: example.prediction))
    let grid = try TimeGrid(
      schedule, kind: example.sampler, steps: example.steps, spacing: example.spacing,
      lowestLambda: example.lowest_lambda ?? -.infinity)
    let source = NoiseSource(seeds: NoiseSource.seeds(from: 7, count: 2), shape: Self.shape)
    let noise = source.next().to(dtype)
    let clean = Tensor.full([2] + Self.shape, 0.5, dtype: dtype)
    let latent = example.start > 0 ? grid.noised(clean, noise, at: example.start) : grid.initial(noise)
    let denoising = Denoising(
      latent, along: grid, from: example.start, sampler: example.sampler.makeSampler(eta: example.eta),
      prediction: example.prediction, cleanRange: example.clamp > 0 ? -example.clamp...example.clamp : nil,
      noise: source
    ) { x, time in Self.network(x, time.timestep, example.prediction) }
    let latents = denoising.map(\.latent)
    #expect(latents.count == example.steps - example.start)
    return (latents[(latents.count + 1) / 2 - 1], latents[latents.count - 1])
  }

  private func compare(_ kinds: Set<SamplerKind>, dtype: DType, _ tolerance: (Case) -> Double) throws {
    let file = try SafetensorsFile(Self.golden)
    let (middles, finals) = (try file.tensor("middle"), try file.tensor("final"))
    let lines = try #require(file.metadata["cases"]).split(separator: "\n")
    #expect(lines.count == finals.shape[0] && lines.count > 250)
    for (index, line) in lines.enumerated() {
      let example = try JSONDecoder().decode(Case.self, from: Data(line.utf8))
      guard kinds.contains(example.sampler) else { continue }
      let (middle, final) = try run(example, dtype: dtype)
      let limit = tolerance(example)
      expectClose(middle, middles[index], atol: limit, rtol: limit, "\(example.testDescription), half way")
      expectClose(final, finals[index], atol: limit, rtol: limit, example.testDescription)
    }
  }

  @Test(arguments: SamplerKind.allCases) func wholeLoopsAreThoseOfDiffusers(_ kind: SamplerKind) throws {
    try compare([kind], dtype: .float64) { _ in 1e-4 }
  }
}
