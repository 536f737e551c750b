import Datasets
import Flux
import Foundation
import Images
import TestSupport
import Testing

@testable import Training

/// Plans with levels of a palette decoder.
@Suite struct SuperResolutionPlanTests {
  private func plan(_ preset: Preset = .midi, _ stages: [TrainingPlan.Stage] = [.superResolution]) throws
    -> TrainingPlan
  {
    var plan = TrainingPlan(preset: preset, steps: 100, batch: 64, start: ModelSource(name: "m", hash: "ab"))
    try plan.keep(stages)
    return plan
  }

  private func sentence(_ plan: TrainingPlan, on data: TrainingData = .scenes(.small)) -> String? {
    do throws(TrainingError) {
      try plan.checkSuperResolution(on: data)
      return nil
    } catch { return error.description }
  }

  @Test func theStageIsAddedOnRequestWithLevels() throws {
    let plain = TrainingPlan(preset: .midi)
    #expect(plain.parts[.superResolution] == nil && plain.configuration == Preset.midi.configuration)
    let plan = try plan()
    #expect(plan.range(of: .superResolution) == 0..<100 && plan.batch(of: .superResolution) == 8)
    #expect(plan.configuration.autoencoder.superResolutionWidths == [32] && plan.superResolutionSide == 1024)
    #expect(plan.configuration.imageSize == 512 && plan.configuration.autoencoder.downsample == 32)
    #expect(try self.plan(.midi, [.diffusion]).superResolutionWidths == nil)
    #expect(sentence(plan) == nil)
  }

  @Test func theModelToStartFromKeepsItsLevelsAndItsSharpness() throws {
    var model = Preset.midi.configuration.autoencoder
    var plan = try plan(.midi, [.diffusion])
    plan.keepPaletteSettings(of: model)
    #expect(plan.superResolutionWidths == nil && plan.paletteSharpness == nil)
    model.superResolutionWidths = [6]
    model.palette?.sharpness = 9
    plan.keepPaletteSettings(of: model)
    #expect(plan.configuration.autoencoder == model)
    var mini = TrainingPlan(preset: .mini)
    mini.keepPaletteSettings(of: Preset.mini.configuration.autoencoder)
    #expect(mini.configuration == Preset.mini.configuration)
  }

  @Test func aSizeIsAMultipleOfTheModels() throws {
    var plan = try plan()
    for (size, isPossible) in [(1024, true), (1536, true), (4096, true), (512, false), (1000, false), (4608, false)] {
      plan.superResolutionSize = size
      let expected = "--size \(size) must be a multiple of the model's size, 512, from 1024 to 4096"
      #expect(sentence(plan) == (isPossible ? nil : expected))
    }
  }

  @Test func aDecoderWithoutRoomIsNamed() throws {
    var plan = try plan(.mini)
    #expect(sentence(plan) == nil)
    plan.superResolutionSize = 1024
    #expect(
      sentence(plan)?.hasPrefix(
        "--size 1024: this model's decoder has no room for larger images, its levels end at 512×512") == true)
    plan.superResolutionSize = nil
    plan.superResolutionWidths = [8]
    #expect(sentence(plan) == "--super-resolution-widths needs a preset with a palette decoder")
  }

  @Test func settingsWithoutEffectAreNamed() throws {
    var plan = try plan(.midi, [.diffusion])
    plan.superResolutionSize = 1024
    #expect(sentence(plan) == "--size has no effect: add --stages super-resolution")
    var wide = try self.plan()
    wide.superResolutionWidths = [8, 8, 8, 8]
    #expect(
      sentence(wide) == "--super-resolution-widths: super_resolution_widths is a list of 4, expected up to 3 levels "
        + "beside a palette with enlargement 8")
    #expect(sentence(try self.plan(.midi, [.superResolution, .decoder]))?.hasPrefix("the stage decoder would") == true)
  }

  @Test func levelsOfADecoderThatChangesAreLeftOut() throws {
    for (stages, drops) in [
      ([.decoder], true), ([.autoencoder], true), ([.diffusion], false), ([.autoencoder, .superResolution], false),
    ] as [([TrainingPlan.Stage], Bool)] {
      var plan = try plan(.midi, stages)
      plan.superResolutionWidths = [16]
      #expect(plan.dropStaleLevels() == drops && (plan.superResolutionWidths == nil) == drops, "\(stages)")
    }
  }

  @Test func imagesThatAreTooSmallAreNamed() throws {
    try Project.inTemporaryFolder { folder in
      for (name, width, height) in [("a", 1030, 1024), ("b", 1400, 900), ("c", 64, 64)] {
        let image = Image(
          width: width, height: height, channels: .gray, pixels: [UInt8](repeating: 7, count: width * height))
        try Data(try PNG.encode(image)).write(to: folder.appendingPathComponent("\(name).png"))
      }
      func check() throws -> String? {
        sentence(try plan(), on: .images(try ImageFolder(folder), crop: .center, mirror: false))
      }
      #expect(
        try check()
          == "2 of 3 images are smaller than --size 1024 (b.png, 1400×900): levels would learn blurred details, "
          + "so give larger images or leave these out")
      for name in ["b", "c"] { try FileManager.default.removeItem(at: folder.appendingPathComponent("\(name).png")) }
      #expect(try check() == nil)
    }
  }

  /// A checkpoint of an earlier version has no such settings.
  @Test func aPlanWithoutLevelsIsStoredAsBefore() throws {
    let text = String(decoding: try JSONEncoder().encode(TrainingPlan(preset: .midi)), as: UTF8.self)
    #expect(!text.contains("superResolutionWidths") && !text.contains("superResolutionSize"))
    let plan = try plan()
    #expect(try JSONDecoder().decode(TrainingPlan.self, from: JSONEncoder().encode(plan)) == plan)
  }
}
