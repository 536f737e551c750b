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
    let lowestLambda: Double?

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
    let (betaStart, betaEnd) = example.schedule == .scaledLinear ? (0.00085, 0.012) : (0.0001, 0.02)
    let schedule = Schedule(
      Schedule.Configuration(
        betaSchedule: example.schedule, betaStart: betaStart, betaEnd: betaEnd,
        predictionType: example.prediction))
    let grid = try TimeGrid(
      schedule, kind: example.sampler, steps: example.steps, spacing: example.spacing,
      lowestLambda: example.lowestLambda ?? -.infinity)
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

  /// The cases of one sampler, with their place in the file.
  private func cases(_ kind: SamplerKind, _ file: SafetensorsFile) throws -> [(index: Int, example: Case)] {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let all = try #require(file.metadata["cases"]).split(separator: "\n")
      .map { try decoder.decode(Case.self, from: Data($0.utf8)) }
    let chosen = all.enumerated().filter { $0.element.sampler == kind }.map {
      (index: $0.offset, example: $0.element)
    }
    try #require(chosen.count > 20)
    return chosen
  }

  /// All but LCM, whose goldens are those of ScheduleGoldenTests.
  static let kinds = SamplerKind.allCases.filter { $0 != .lcm }

  @Test(arguments: kinds) func wholeLoopsAreThoseOfDiffusers(_ kind: SamplerKind) throws {
    let file = try SafetensorsFile(Self.golden)
    let (middles, finals) = (try file.tensor("middle"), try file.tensor("final"))
    for (index, example) in try cases(kind, file) {
      let (middle, final) = try run(example, dtype: .float64)
      expectClose(middle, middles[index], atol: 1e-6, rtol: 1e-6, "\(example.testDescription), half way")
      expectClose(final, finals[index], atol: 1e-6, rtol: 1e-6, example.testDescription)
    }
  }

  /// Where float32 costs diffusers more than 5e-5 by itself, at the noisiest times of the cosine schedule and its
  /// first betas, the comparison is as loose as that.
  @Test(arguments: kinds)
  func singlePrecisionIsThatOfDiffusersAsShipped(_ kind: SamplerKind) throws {
    let file = try SafetensorsFile(Self.golden)
    let (finals, shipped) = (try file.tensor("final"), try file.tensor("shipped"))
    var strict = 0
    for (index, example) in try cases(kind, file) {
      let loss = (finals[index] - shipped[index]).abs().max().item()
      let limit = loss > 5e-5 ? 3 * loss : 1e-4
      if loss <= 5e-5 { strict += 1 }
      let final = try run(example, dtype: .float32).final
      expectClose(final, shipped[index], atol: limit, rtol: limit, example.testDescription)
    }
    #expect(strict > 15)
  }
}
