import Distributed
import Flux
import Foundation
import Models
import NN
import Runs
import TestSupport
import Testing
import Torch

@testable import Training

/// The stage of a palette decoder's levels, with `midi`'s networks at a quarter of its size.
@Suite struct FieldLevelsTrainingTests {
  private func plan(steps: Int = 20) throws -> TrainingPlan {
    var plan = TrainingPlan(preset: .midi, steps: steps, batch: 16, start: ModelSource(name: "start", hash: "1"))
    plan.superResolutionWidths = [6]
    plan.resolution = 128
    try plan.keep([.superResolution])
    plan.warmup = 0
    return plan
  }

  private func start() -> ModelBundle {
    ModelBundle(Preset.midi.configuration, .random(Generator(seed: 9)))
  }

  private func trainer(_ plan: TrainingPlan, from start: ModelBundle) throws -> Trainer {
    try Trainer(plan, from: start, textEncoder: Project.minilm)
  }

  @Test func onlyTheLevelsLearn() throws {
    let start = start()
    let trainer = try trainer(try plan(), from: start)
    let levels = try #require(trainer.model.autoencoder.fieldLevels)
    func floats(_ module: any Module) -> [[Float]] { module.parameters.map { $0.tensor.floats() } }
    #expect(trainer.summary.contains("images 128×128, for the super-resolution levels 256×256; 20 steps"))
    let before = floats(levels)
    let losses = try (0..<12).map { _ in try #require(try trainer.train(0)["superResolution"]) }  // the same images
    #expect(zip(before, floats(levels)).allSatisfy { $0 != $1 })
    #expect(losses[11] < losses[0])
    let (own, theirs) = (trainer.model, start)
    #expect(floats(own.autoencoder.encoder) == floats(theirs.autoencoder.encoder))
    #expect(floats(own.autoencoder.decoder) == floats(theirs.autoencoder.decoder))
    #expect(floats(own.unet) == floats(theirs.unet) && floats(own.adapter) == floats(theirs.adapter))
    #expect(own.autoencoder.latentsStd.floats() == theirs.autoencoder.latentsStd.floats())
    #expect(
      trainer.networks.superResolution.parameters.map(\.key) == levels.parameters.map { "field_levels.\($0.key)" })
  }

  @Test func aStepDependsOnSeedAndStepOnly() throws {
    let start = start()
    let values = try (0..<2).map { _ in
      let trainer = try trainer(try plan(), from: start)
      return try (0..<2).map { try #require(try trainer.train($0)["superResolution"]) }
    }
    #expect(values[0] == values[1])
  }

  /// The networks of two processes, which are threads here, learn from half of each batch.
  @Test func theLossesAreThoseOfOneProcess() throws {
    let plan = try plan()
    #expect(plan.batch(of: .superResolution) == 2)
    @Sendable func losses(_ group: ProcessGroup) throws -> [[String: Double]] {
      let trainer = try Trainer(
        plan, from: ModelBundle(Preset.midi.configuration, .random(Generator(seed: 9))), textEncoder: Project.minilm,
        group: group)
      return try (0..<4).map { try trainer.train($0) }
    }
    let single = try losses(.single)
    for own in try ThreadGroup.values(2, { try losses($0) }) {
      for (values, others) in zip(own, single) {
        #expect(Set(values.keys) == Set(others.keys))
        let (loss, other) = (try #require(values["superResolution"]), try #require(others["superResolution"]))
        #expect(abs(loss - other) < 1e-5 * max(1, other), "\(loss), not \(other)")
      }
    }
  }

  @Test func aNewLevelNeitherGainsNorLoses() throws {
    let values = try trainer(try plan(), from: start()).train(0)
    #expect(abs(try #require(values["psnrGain"])) < 1e-4 && values["psnr"] != nil)
  }

  /// Levels that a model has are trained further; with other widths they are new.
  @Test func theLevelsOfTheModelAreItsBeginning() throws {
    var configuration = Preset.midi.configuration
    configuration.autoencoder.superResolutionWidths = [6]
    configuration.autoencoder.palette?.sharpness = 9
    let start = ModelBundle(configuration, .random(Generator(seed: 9)))
    let theirs = try #require(start.autoencoder.fieldLevels).parameters
    withNoGrad { for (_, tensor) in theirs { tensor.fill_(0.25) } }
    let same = try #require(try trainer(try plan(), from: start).model.autoencoder.fieldLevels).parameters
    #expect(same.allSatisfy { $0.tensor.min().item() == 0.25 })
    var other = try plan()
    other.superResolutionWidths = [5]
    let trainer = try trainer(other, from: start)
    let new = try #require(trainer.model.autoencoder.fieldLevels).parameters
    #expect(new.allSatisfy { $0.tensor.max().item() != 0.25 })
    let (own, kept) = (trainer.model.autoencoder.decoder, start.autoencoder.decoder)
    #expect(zip(own.parameters, kept.parameters).allSatisfy { $0.tensor.floats() == $1.tensor.floats() })
  }

  @Test(arguments: [(0, 0), (2, 8), (8, 3), (5, 5)]) func aWindowIsThatPartOfTheWholeImage(row: Int, column: Int) throws
  {
    var configuration = Preset.midi.configuration.autoencoder
    configuration.superResolutionWidths = [6]
    let autoencoder = Autoencoder(configuration, .random(Generator(seed: 1)))
    let levels = try #require(autoencoder.fieldLevels)
    let decoder = try #require(autoencoder.decoder as? PaletteDecoder)
    withNoGrad {
      for (_, tensor) in levels.parameters { tensor.normal_(std: 0.1, generator: Generator(seed: 2)) }
    }
    withInference {
      let latent = Tensor.randn([1, 64, 16, 16], generator: Generator(seed: 3))
      let (features, fields) = decoder.trunk(latent)
      let whole = decoder.image(of: levels(features, fields), height: 256, width: 256)[0]
      let window = FieldWindow(around: (row, column), window: 8, side: 16)
      let boxes = [features, fields].map { Tensor.stack([window.box(of: $0[0], side: 16)]) }
      let part = window.image(of: levels(boxes[0], boxes[1]), by: decoder, cell: 16)
      expectClose(part[0], window.window(of: whole, side: 16), atol: 1e-4)
    }
  }
}
