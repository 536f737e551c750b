import Evaluation
import Foundation
import Scenes
import TestSupport
import Testing
import Torch

/// The shipped learned judge.
enum Learned {
  static let folder = Project.root.appendingPathComponent("models/judge")
}

@Suite struct LearnedReaderTests {
  /// Every eighth prompt of seed 1, 60 in all; none of their scenes was trained on.
  @Test func rendersAreRightAndOtherPromptsImagesAreNot() throws {
    let atlas = try GlyphAtlas()
    let judge = Judge(try LearnedReader(directory: Learned.folder))
    let prompts = Prepared.small.prompts.enumerated().filter { $0.offset % 8 == 0 }.map(\.element)
    let readings = prompts.map { judge.read($0.scene.render(size: 128, atlas: atlas)) }
    let right = zip(readings, prompts).filter { Judge.isRight($0, for: $1) }.count
    let shuffled = prompts.indices.filter { Judge.isRight(readings[($0 + 30) % prompts.count], for: prompts[$0]) }
    #expect(Double(right) >= 0.99 * Double(prompts.count), "\(right) of \(prompts.count)")
    #expect(Double(shuffled.count) < 0.1 * Double(prompts.count), "\(shuffled.count) of \(prompts.count)")
  }

  /// Background, colors, objects and places of scenes, too.
  @Test func factsOfHeldOutRendersAreRight() throws {
    let atlas = try GlyphAtlas()
    let judge = Judge(try LearnedReader(directory: Learned.folder))
    var facts = Scorecard()
    for scene in HeldOutReport.scenes(world: .small, seed: 3, count: 20) {
      facts.add(judge.judge(scene.scene.render(size: 128, atlas: atlas), against: scene))
    }
    for aspect in [Judge.Aspect.color, .object, .place] { #expect(facts[aspect].share > 0.97, "\(aspect)") }
  }

  @Test func itCountsAndSeesNothingInAnEmptyImage() throws {
    let atlas = try GlyphAtlas()
    let judge = Judge(try LearnedReader(directory: Learned.folder))
    func scene(_ count: Int) -> Scene {
      let centers = [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)].prefix(count)
      let pandas = centers.map { Scene.Placed(object: .emoji("panda"), size: .medium, x: $0, y: $1, side: 0.36) }
      return Scene(objects: pandas, place: nil, relation: nil, background: .plain(.blue), horizon: 0.6)
    }
    #expect(judge.read(scene(0).render(size: 128, atlas: atlas)).summary == "nothing on blue")
    for count in 2...4 {
      let reading = judge.read(scene(count).render(size: 128, atlas: atlas))
      let asked = [2, 3, 4].filter { number in
        Judge.isRight(reading, for: EvaluationPrompt(category: .counting, text: "", scene: scene(number)))
      }
      #expect(asked == [count], "\(reading.summary)")
    }
  }

  @Test func weightsThatAreCutOffAreNamed() throws {
    try Project.inTemporaryFolder { folder in
      for name in ["config.json", "model.safetensors"] {
        var data = try Data(contentsOf: Learned.folder.appendingPathComponent(name))
        if name == "model.safetensors" { data = data.prefix(data.count / 2) }
        try data.write(to: folder.appendingPathComponent(name))
      }
      let error = #expect(throws: CheckpointError.self) { try LearnedReader(directory: folder) }
      #expect("\(try #require(error))".contains("model.safetensors"), "\(String(describing: error))")
    }
  }

  @Test func aDetectorOfOtherSizesThanItsWorldIsRefused() throws {
    try Project.inTemporaryFolder { folder in
      let configuration = GlyphDetector.Configuration(
        world: "small", names: 3, colors: 10, backgrounds: 15, widths: [8, 8, 8], blocks: [1, 1, 1])
      try GlyphDetector(configuration, .random(Generator(seed: 1))).save(to: folder)
      let error = #expect(throws: CheckpointError.self) { try LearnedReader(directory: folder) }
      let sentence = "its names, colors and backgrounds are 3, 10 and 15; those of the small world are 72, 10 and 15"
      #expect("\(try #require(error))".hasSuffix(sentence), "\(String(describing: error))")
    }
  }
}
