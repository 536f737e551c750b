import Flux
import Foundation
import Runs
import TestSupport
import Testing
import Torch

@testable import Training

@Suite struct ForecastTests {
  private func forecast(seconds: [Double], steps: [Int], pool: Double = 0, bytes: Int = 2_000_000_000) -> Forecast {
    let stages: [TrainingPlan.Stage] = [.autoencoder, .joint, .diffusion]
    return Forecast(
      stages: zip(stages, zip(steps, seconds)).map {
        Forecast.StageForecast(stage: $0, steps: $1.0, secondsPerStep: $1.1)
      }, poolSeconds: pool, peakBytes: bytes, parameters: ["autoencoder": 1, "adapter": 2, "unet": 3], imageSize: 64)
  }

  private func time(_ seconds: Double) -> String? {
    forecast(seconds: [seconds], steps: [1]).text.split(separator: "\n").first { $0.hasPrefix("time") }
      .map { $0.dropFirst(4).trimmingCharacters(in: .whitespaces) }
  }

  @Test func theTimeIsThatOfAllStepsAndOfThePool() {
    #expect(forecast(seconds: [0.5, 2, 0.25], steps: [100, 10, 400], pool: 30).seconds == 50 + 20 + 100 + 30)
    #expect(forecast(seconds: [], steps: [], pool: 7).seconds == 7)
  }

  @Test func theTableNamesEveryStageInOrder() {
    #expect(
      forecast(seconds: [0.12345, 2], steps: [100, 10], bytes: 1_234_000_000).text == """
        parameters       autoencoder 1, adapter 2, unet 3
        images           64×64
        autoencoder      100 steps of 0.123 s
        joint            10 steps of 2 s
        time             32 s
        peak memory      1.23 GB
        """)
  }

  @Test func theTableNamesTheShapesOfTheImages() {
    var shaped = forecast(seconds: [], steps: [])
    shaped.buckets = "384×640 (2 images)"
    #expect(shaped.text.contains("images           64×64\nbuckets          384×640 (2 images)\ntime "))
  }

  @Test func longTimesHaveLargerUnits() {
    #expect(time(0.4) == "0 s" && time(119.4) == "119 s")
    #expect(time(120) == "2 min" && time(7199) == "119 min")
    #expect(time(7200) == "2.0 h" && time(172_799) == "48.0 h")
    #expect(time(172_800) == "2 days" && time(86_400 * 31.4) == "31 days")
  }

  @Test func theMemoryReportNamesWhatWasForecast() throws {
    try Project.inTemporaryFolder { folder in
      #expect(Forecast.memoryReport(in: folder, .cpu).wholeMatch(of: /peak memory [0-9]+\.[0-9]{2} GB/) != nil)
      let run = folder.appendingPathComponent("new/run")
      try forecast(seconds: [1], steps: [1], bytes: 3_500_000_000).save(in: run)
      #expect(Forecast.memoryReport(in: run, .cpu).hasSuffix(" GB (forecast 3.50 GB)"))
      // A file that is damaged is as none.
      try Data("{\"peakBytes\": 1}".utf8).write(to: run.appendingPathComponent("forecast.json"))
      #expect(!Forecast.memoryReport(in: run, .cpu).contains("forecast"))
    }
  }

  @Test func aRunOfOneStepHasAForecast() throws {
    let plan = TrainingPlan(profile: .specification, preset: .tiny, steps: 1, batch: 2)
    let forecast = try Trainer.forecast(plan, from: nil, textEncoder: Project.minilm, device: .cpu)
    #expect(forecast.stages.map(\.stage) == [.joint] && forecast.stages.map(\.steps) == [1])
  }

  @Test func whatIsSavedIsReadBack() throws {
    try Project.inTemporaryFolder { folder in
      let saved = forecast(seconds: [0.5, 0.25], steps: [3, 4], pool: 2)
      try saved.save(in: folder)
      let bytes = try Data(contentsOf: folder.appendingPathComponent("forecast.json"))
      let read = try JSONDecoder().decode(Forecast.self, from: bytes)
      #expect(read.text == saved.text && read.seconds == saved.seconds && bytes.last == 10)
    }
  }

  @Test func aFolderThatCannotBeCreatedIsNamed() throws {
    try Project.inTemporaryFolder { folder in
      let file = folder.appendingPathComponent("file")
      try Data().write(to: file)
      let run = file.appendingPathComponent("run")
      #expect(throws: RunError.folder(run.path)) { try forecast(seconds: [], steps: []).save(in: run) }
    }
  }
}
