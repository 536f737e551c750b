import Diffusion
import Foundation
import Support
import TestSupport
import Testing
import Torch

/// Whole loops from the files of diffusers' schedulers; Tools/golden/schedules.py says how they were made.
@Suite struct ScheduleGoldenTests {
  struct Case: Decodable {
    let sampler: SamplerKind
    let steps: Int
    let file: String
    let times: [Double]
    let timesOnly: Bool?
  }

  static let golden = Project.golden("schedules.safetensors")

  static func cases(_ file: SafetensorsFile) throws -> [Case] {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try #require(file.metadata["cases"]).split(separator: "\n").map {
      try decoder.decode(Case.self, from: Data($0.utf8))
    }
  }

  static func configuration(_ text: String) throws -> Schedule.Configuration {
    try Project.inTemporaryFolder { folder in
      let file = folder.appendingPathComponent("scheduler_config.json")
      try Data(text.utf8).write(to: file)
      return try JSONFile.read(file)
    }
  }

  private func grid(_ example: Case, _ configuration: Schedule.Configuration) throws -> TimeGrid {
    try TimeGrid(Schedule(configuration), kind: example.sampler, steps: example.steps)
  }

  @Test func timesAreThoseOfTheFilesScheduler() throws {
    let cases = try Self.cases(SafetensorsFile(Self.golden))
    #expect(cases.count > 100)
    for example in cases {
      let times = try grid(example, Self.configuration(example.file)).times.dropLast().map(\.timestep)
      let differences = zip(times, example.times).map { abs($0 - $1) }
      #expect(
        times.count == example.times.count && differences.allSatisfy { $0 < 1e-4 },
        "\(example.sampler) \(example.steps): \(times), expected \(example.times) of \(example.file)")
    }
  }

  @Test func loopsAreThoseOfTheFilesScheduler() throws {
    let file = try SafetensorsFile(Self.golden)
    let finals = try file.tensor("final")
    for (index, example) in try Self.cases(file).enumerated() where example.timesOnly != true {
      let configuration = try Self.configuration(example.file)
      let grid = try grid(example, configuration)
      let shape = finals.shape
      let source = NoiseSource(seeds: NoiseSource.seeds(from: 11, count: shape[1]), shape: Array(shape[2...]))
      let denoising = Denoising(
        grid.initial(source.next().to(.float64)), along: grid, sampler: example.sampler.makeSampler(),
        prediction: configuration.predictionType, cleanRange: configuration.cleanRange(own: -6...6), noise: source
      ) { x, time in SamplerGoldenTests.network(x, time.timestep, configuration.predictionType) }
      let final = try #require(Array(denoising).last?.latent)
      expectClose(
        final.to(.float32), finals[index], atol: 1e-5, "\(example.sampler) \(example.steps) \(example.file)")
    }
  }
}
