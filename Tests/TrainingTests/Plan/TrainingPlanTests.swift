import Datasets
import Diffusion
import Flux
import Foundation
import TestSupport
import Testing

@testable import Training

@Suite struct TrainingPlanTests {
  private let scratch = Preset.allCases.map { TrainingPlan(preset: $0, steps: 1000) }

  @Test func stagesAreNamedAsInOptionsAndStoredAsBefore() throws {
    #expect(
      TrainingPlan.Stage.allCases.map(\.name) == ["autoencoder", "joint", "super-resolution", "decoder", "diffusion"])
    let plan = TrainingPlan(preset: .mini, steps: 800)
    let text = String(decoding: try JSONEncoder().encode(plan), as: UTF8.self)
    #expect(text.contains("\"superResolution\":{") && !text.contains("super-resolution"))
    #expect(try JSONDecoder().decode(TrainingPlan.self, from: Data(text.utf8)) == plan)
  }

  @Test(arguments: [1, 2, 3, 7, 39, 100, 8000, 123_457]) func stagesShareAllStepsWithoutGapOrOverlap(_ steps: Int) {
    for preset in Preset.allCases {
      let plan = TrainingPlan(preset: preset, steps: steps)
      var next = 0
      for stage in TrainingPlan.Stage.allCases where plan.parts[stage] != nil {
        let range = plan.range(of: stage)
        #expect(range.lowerBound == next, "\(preset) \(stage)")
        next = range.upperBound
        for step in [range.lowerBound, range.upperBound - 1] where range.contains(step) {
          #expect(plan.stage(at: step) == stage)
        }
      }
      #expect(next == steps)
    }
  }

  @Test func sharesOfEveryRecipeAddUpToOne() {
    for plan in scratch + [TrainingPlan(profile: .specification)] {
      #expect(abs(plan.parts.values.reduce(0) { $0 + $1.share } - 1) < 1e-12, "\(plan.preset)")
    }
  }

  @Test func onlyPresetsThatEnlargeHaveTheStageForIt() {
    for plan in scratch {
      let enlarges = !plan.preset.configuration.autoencoder.superResolutionWidths.isEmpty
      #expect(plan.range(of: .superResolution).isEmpty == !enlarges, "\(plan.preset)")
      #expect((plan.parts[.superResolution] != nil) == enlarges && plan.parts[.decoder] == nil)
    }
  }

  @Test func batchesOfTheOtherStagesFollowFromThatOfTheUNet() {
    func batches(_ batch: Int) -> [Int] {
      let plan = TrainingPlan(preset: .mini, batch: batch)
      let stages: [TrainingPlan.Stage] = [.autoencoder, .joint, .superResolution, .diffusion]
      return stages.map { plan.batch(of: $0) }
    }
    #expect(batches(64) == [32, 16, 8, 64] && batches(4) == [2, 2, 1, 4] && batches(1) == [1, 2, 1, 1])
    #expect(TrainingPlan(preset: .mini).batch(of: .decoder) == 0)
  }

  @Test func aRunFromAModelHasTheLastStageOnly() {
    let plan = TrainingPlan(preset: .mini, steps: 500, start: ModelSource(name: "m", hash: "ab"))
    #expect(plan.start == "ab" && plan.parts.keys.map(\.rawValue) == ["diffusion"])
    #expect(plan.range(of: .diffusion) == 0..<500 && !plan.trainsEncoder && plan.denoiserSteps == 0..<500)
    #expect(TrainingPlan(preset: .mini).trainsEncoder)
  }

  @Test func aRunFromAModelMayTrainItsAutoencoderFurther() throws {
    var plan = TrainingPlan(preset: .mini, steps: 1000, batch: 64, start: ModelSource(name: "m", hash: "ab"))
    try plan.keep([.autoencoder, .diffusion])
    // Shares of 0.22 and 0.7 of what is left.
    #expect(plan.range(of: .autoencoder) == 0..<239 && plan.range(of: .diffusion) == 239..<1000)
    #expect(plan.batch(of: .autoencoder) == 32 && plan.batch(of: .diffusion) == 64)
  }

  @Test func theDecoderStageHasAnEighthOfTheBatchAndATenthOfTheSteps() throws {
    var plan = TrainingPlan(preset: .mini, steps: 1100, batch: 64)
    try plan.keep([.autoencoder, .joint, .superResolution, .decoder, .diffusion])
    #expect(plan.batch(of: .decoder) == 8 && plan.range(of: .decoder).count == 100)
  }

  @Test func thePoolIsNoLargerThanTheData() throws {
    #expect(TrainingPlan(preset: .mini).poolSize == 8192 && TrainingPlan(preset: .mini).poolRenewal == 6)
    #expect(TrainingPlan(preset: .tiny).poolSize == 256 && TrainingPlan(preset: .tiny).poolRenewal == 4)
    try CacheFixture.with { fixture in
      try fixture.images(9)
      let data = TrainingData.images(try ImageFolder(fixture.photos), crop: .center, mirror: false)
      let plan = TrainingPlan(preset: .mini, data: data)
      #expect(plan.poolSize == 9 && plan.poolRenewal == 0)  // all of them are in it
      // Nobody labels the objects of such images.
      #expect(!plan.hasObjectLabels && plan.alignment == 0 && plan.latentAlignment == 0 && plan.objectWeight == 0)
      let specified = TrainingPlan(profile: .specification, data: data, batch: 3)
      #expect(specified.steps == 9 / 3 * 200)
      // Every image is seen as often when the batch size does not divide their number.
      #expect(TrainingPlan(profile: .specification, data: data, batch: 8).steps == 9 * 200 / 8)
      #expect(TrainingPlan(profile: .specification, data: data, batch: 64).steps == 29)
    }
  }

  @Test func paletteAutoencodersHaveTheirOwnSettings() {
    let (palette, other) = (TrainingPlan(preset: .midi), TrainingPlan(preset: .base))
    #expect(palette.autoencoderMuon?.weightDecay == 0.5 && palette.diffusionMuon?.weightDecay == 0.1)
    #expect(palette.lateLoss == 0.5 && palette.equivariance == 0.25 && palette.textures == 0.125)
    #expect(palette.latentAlignment == 0 && palette.uniformTimesteps == 0.2 && palette.timeShift == 4)
    #expect(other.autoencoderMuon == nil && other.lateLoss == 1 && other.equivariance == 0 && other.textures == 0)
  }

  @Test func theRateOfMuonIsSetForBothAndZeroTurnsItOff() {
    var plan = TrainingPlan(preset: .base)
    plan.setMuonLearningRate(0.01)
    #expect(plan.autoencoderMuon == TrainingPlan.MuonSettings(learningRate: 0.01, weightDecay: 0.5))
    #expect(plan.diffusionMuon == TrainingPlan.MuonSettings(learningRate: 0.01, weightDecay: 0.1))
    plan.diffusionMuon?.weightDecay = 0.3
    plan.setMuonLearningRate(0.02)
    #expect(plan.diffusionMuon == TrainingPlan.MuonSettings(learningRate: 0.02, weightDecay: 0.3))
    plan.setMuonLearningRate(0)
    #expect(plan.autoencoderMuon == nil && plan.diffusionMuon == nil)
  }

  @Test func theRateRisesStaysAndFallsAlongStraightLines() {
    let plan = TrainingPlan(preset: .mini)  // a warmup of 100 steps, a cooldown over the last 0.4
    for step in 0..<1000 {
      let expected = min(1, Double(step + 1) / 100) * min(1, Double(1000 - step) / 400)
      #expect(abs(plan.learningRateFactor(at: 5000 + step, in: 5000..<6000) - expected) < 1e-12)
    }
  }

  @Test func theWarmupAfterARestartCoversTheMomentsHorizon() {
    var plan = TrainingPlan(preset: .mini)
    (plan.warmup, plan.beta2) = (10, 0.99)
    #expect(plan.restartSteps == 100)
    plan.warmup = 150
    #expect(plan.restartSteps == 150)
    (plan.warmup, plan.beta2) = (0, 0.999)
    #expect(plan.restartSteps == 1000)
  }

  @Test func lengtheningMovesTheEndOfTheLastStageAlone() {
    let short = TrainingPlan(preset: .mini, steps: 1000)
    var plan = TrainingPlan(preset: .mini, steps: 3000)
    plan.lengthen(from: 1000, ends: nil)
    #expect(plan.stageEnds == [220, 275, 300, 3000])
    for stage in [.autoencoder, .joint, .superResolution] as [TrainingPlan.Stage] {
      #expect(plan.range(of: stage) == short.range(of: stage))
    }
    #expect(plan.range(of: .diffusion) == 300..<3000 && plan.stage(at: 2999) == .diffusion)
    // Again, from where it then ended.
    let ends = plan.stageEnds
    plan.steps = 4000
    plan.lengthen(from: 3000, ends: ends)
    #expect(plan.stageEnds == [220, 275, 300, 4000])
    #expect(plan.range(of: .decoder).isEmpty)
  }

  @Test func endsOfOtherStagesAreIgnored() {
    var plan = TrainingPlan(preset: .mini, steps: 1000)
    plan.stageEnds = [500, 1000]
    #expect(plan.range(of: .autoencoder) == 0..<220)
  }

  @Test func theConfigurationIsThePresetsWithWhatThePlanChanges() {
    var plan = TrainingPlan(preset: .mini)
    #expect(plan.configuration.schedule.predictionType == .v && plan.configuration.imageSize == 512)
    (plan.prediction, plan.resolution) = (.sample, 256)
    #expect(plan.configuration.schedule.predictionType == .sample && plan.configuration.imageSize == 256)
    #expect(plan.configuration.autoencoder == Preset.mini.configuration.autoencoder)
    // The specification has one decoder.
    let specified = TrainingPlan(profile: .specification, preset: .mini).configuration
    #expect(specified.autoencoder.superResolutionWidths.isEmpty && specified.imageSize == 128)
    #expect(specified.latentSize == Preset.mini.configuration.latentSize)
  }

  @Test func aPlanIsReadBackEqual() throws {
    for profile in TrainingPlan.Profile.allCases {
      for preset in Preset.allCases {
        var plan = TrainingPlan(profile: profile, preset: preset, steps: 77, batch: 6, accumulation: 2, seed: .max)
        (plan.minSNR, plan.cooldownLossType, plan.resolution) = (5, .l1, 96)
        let json = try JSONEncoder().encode(plan)
        #expect(try JSONDecoder().decode(TrainingPlan.self, from: json) == plan, "\(profile) \(preset)")
      }
    }
  }
}
