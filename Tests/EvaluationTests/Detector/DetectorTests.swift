import Foundation
import Models
import Scenes
import TestSupport
import Testing
import Torch

@testable import Evaluation

@Suite struct DetectorTests {
  private func plan(steps: Int) -> DetectorTrainer.Plan {
    DetectorTrainer.Plan(world: .small, steps: steps, batch: 4, seed: 1, bfloat16: false)
  }

  @Test func theLossFallsInAFewSteps() throws {
    let trainer = try DetectorTrainer(plan(steps: 8))
    let totals = try (0..<8).map { try trainer.train($0).values.reduce(0, +) }
    let (first, last) = (totals.prefix(3).reduce(0, +), totals.suffix(3).reduce(0, +))
    #expect(last < 0.9 * first, "\(totals)")
  }

  @Test func targetsSayWhatStandsWhere() throws {
    let atlas = try GlyphAtlas()
    let objects = [
      Scene.Placed(object: .shape(.circle, .green), size: .medium, x: 0.26, y: 0.5, side: 0.4),
      Scene.Placed(object: .emoji("panda"), size: .medium, x: 0.75, y: 0.5, side: 0.4),
    ]
    let scene = Scene(objects: objects, place: nil, relation: nil, background: .landscape(.snow), horizon: 0.6)
    let targets = DetectorTargets([scene, scene], atlas: atlas)
    #expect(targets.centers.ints() == [132, 140, 388, 396])  // row 8, columns 4 and 12 of 16, then the second image
    #expect(targets.heatmap[0].floats().indices.filter { targets.heatmap[0].floats()[$0] == 1 } == [132, 140])
    #expect(targets.names.ints().map { World.small.nouns[$0] } == ["circle", "panda", "circle", "panda"])
    #expect(targets.hasColor.floats() == [1, 0, 1, 0])
    #expect(World.small.colors[targets.colors.ints()[0]] == .green)
    #expect(World.small.backgrounds[targets.backgrounds.ints()[0]] == .landscape(.snow))
    let box = targets.boxes[0].doubles()
    for (value, expected) in zip(box, [0.26 * 16 - 4.5, -0.5, 0.4, 0.4]) { #expect(abs(value - expected) < 1e-6) }
  }

  /// Half of what is shown are scenes of either split, the other half crowds whose objects keep apart.
  @Test func crowdsKeepApart() {
    for world in World.allCases {
      let scenes = DetectorScenes(seed: 5, world: world)
      for index in [2, 3, 6, 7, 10, 11] {
        let objects = scenes[index].objects
        #expect((1...6).contains(objects.count))
        for (i, a) in objects.enumerated() {
          for b in objects[(i + 1)...] {
            #expect(max(abs(a.x - b.x), abs(a.y - b.y)) >= (a.side + b.side) / 2)
          }
        }
      }
      #expect(HeldOut.contains(scenes[1]) && !HeldOut.contains(scenes[0]))
    }
  }

  @Test func damageChangesImagesButLittle() throws {
    let atlas = try GlyphAtlas()
    let scenes = DetectorScenes(seed: 1, world: .small)
    let bytes = (0..<8).map { scenes[$0] }.pixels(size: 128, atlas: atlas)
    let clean = bytes.to(.float32) / 127.5 - 1
    let corrupted = ImageCorruption.apply(clean, Generator(seed: 1))
    #expect(corrupted.shape == clean.shape)
    #expect(corrupted.abs().max().item() <= 1)
    let change = (corrupted - clean).abs().mean([1, 2, 3]).doubles()
    #expect(change.allSatisfy { $0 > 0.005 && $0 < 0.15 }, "\(change)")
    #expect(ImageCorruption.apply(clean, Generator(seed: 1)).floats() == corrupted.floats())
  }

  @Test func aDamagedNumberOfItsConfigurationIsRefusedByNameOrHarmless() throws {
    try Project.inTemporaryFolder { folder in
      let configuration = GlyphDetector.Configuration(
        world: "small", names: 3, colors: 2, backgrounds: 2, widths: [8, 8, 8], blocks: [1, 1, 1], normGroups: 4)
      try GlyphDetector(configuration, .random(Generator(seed: 1))).save(to: folder)
      try DamagedConfiguration.forEach(folder.appendingPathComponent("config.json")) { key, value in
        do {
          _ = try GlyphDetector.load(from: folder)(Tensor.zeros([1, 3, 128, 128]))
        } catch {
          let text = "\(error)"
          #expect(text.contains(folder.path) && (text.contains(key) || text.contains("tensor \"")), "\(value): \(text)")
        }
      }
    }
  }
}
