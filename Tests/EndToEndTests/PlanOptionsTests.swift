import Flux
import Testing
import Training

@testable import FluxCommand

@Suite struct PlanOptionsTests {
  private func plan(_ arguments: [String]) throws -> TrainingPlan {
    let train = try #require(try FluxCommand.parseAsRoot(["train", "-o", "r"] + arguments) as? Train)
    var plan = TrainingPlan(preset: .tiny)
    try train.differences.apply(to: &plan)
    return plan
  }

  /// Scaling gradients to a norm of 0 would train nothing.
  @Test func aGradientNormOfZeroIsNoLimit() throws {
    #expect(try plan(["--max-grad-norm", "0"]).maxGradNorm == .greatestFiniteMagnitude)
    #expect(try plan(["--max-grad-norm", "2"]).maxGradNorm == 2)
    #expect(try plan([]).maxGradNorm == TrainingPlan(preset: .tiny).maxGradNorm)
  }

  @Test func aStageHasAnEnglishNameToo() {
    #expect(StageList(argument: "super-resolution")?.stages == [.superResolution])
    #expect(StageList(argument: "superResolution,decoder")?.stages == [.superResolution, .decoder])
    #expect(StageList(argument: "super-resolutions") == nil && StageList(argument: "super_resolution") == nil)
  }

  @Test func widthsOfLevelsAreAListOfNumbers() throws {
    #expect(try plan(["--super-resolution-widths", "32,16"]).superResolutionWidths == [32, 16])
    #expect(try plan([]).superResolutionWidths == nil && plan(["--size", "128"]).superResolutionSize == 128)
    #expect(WidthList(argument: "32,") == nil && WidthList(argument: "a") == nil && WidthList(argument: "") == nil)
  }

  @Test func theResolutionIsThatOfTheImages() throws {
    #expect(try plan(["--resolution", "128"]).configuration.imageSize == 128)
    #expect(try plan([]).configuration.imageSize == Preset.tiny.configuration.imageSize)
    for size in ["0", "72", "16384"] {
      let error = #expect(throws: Failure.self) { try plan(["--resolution", size]) }
      #expect(
        error?.description.contains("--resolution \(size) must be a multiple of 16 from 64 to 256") == true, "\(size)")
    }
  }
}
