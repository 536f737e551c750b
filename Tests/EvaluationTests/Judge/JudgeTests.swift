import Evaluation
import Scenes
import Testing

@Suite struct JudgeTests {
  @Test func rendersAreRightAndOtherPromptsImagesAreNot() throws {
    let atlas = try GlyphAtlas()
    let judge = Judge(atlas: atlas)
    let scenes = (0..<10).map { Scenes(seed: 1, split: .heldOut)[$0] }
    var (real, shuffled) = (Scorecard(), Scorecard())
    for (index, scene) in scenes.enumerated() {
      let image = scene.scene.render(size: 256, atlas: atlas)
      real.add(judge.judge(image, against: scene))
      shuffled.add(judge.judge(image, against: scenes[(index + 5) % 10]))
    }
    for aspect in [Judge.Aspect.color, .object, .place] {
      #expect(real[aspect].share == 1, "\(aspect)")
      #expect(shuffled[aspect].share < 0.5, "\(aspect)")
    }
  }

  /// Some renders of each category; all of them take minutes, see `FLUX_LONG_TESTS`.
  @Test func rendersOfEveryCategoryAreRight() throws {
    try expectCeiling(.small, every: Long.isAsked ? 1 : 24, atLeast: 0.99, shuffledBelow: 0.1)
  }

  @Test(.enabled(if: Long.isAsked)) func rendersOfTheMediumWorldAreRight() throws {
    try expectCeiling(.medium, every: 1, atLeast: 0.97, shuffledBelow: 0.1)
  }

  @Test(.enabled(if: Long.isAsked)) func rendersOfTheFullWorldAreRight() throws {
    try expectCeiling(.full, every: 1, atLeast: 0.97, shuffledBelow: 0.1)
  }

  @Test func anEmptyImageHasNoObject() throws {
    let atlas = try GlyphAtlas()
    let asked = Scenes(seed: 1)[0]
    let empty = Scene(objects: [], place: nil, relation: nil, background: .plain(.blue), horizon: 0.5)
    let verdicts = Judge(atlas: atlas).judge(empty.render(size: 128, atlas: atlas), against: asked)
    #expect(verdicts.filter { $0.aspect == .object }.allSatisfy { $0.found == "nothing" })
  }

  /// One wrong fact makes an image wrong: another object, another color, one too many, the other side.
  @Test func theRuleIsStrict() throws {
    let atlas = try GlyphAtlas()
    let judge = Judge(atlas: atlas)
    func scene(_ objects: [SceneObject], _ relation: Scene.Relation?) -> Scene {
      let placed = objects.enumerated().map { index, object in
        let x = objects.count == 1 ? 0.5 : 0.25 + 0.5 * Double(index) / Double(objects.count - 1)
        return Scene.Placed(object: object, size: .medium, x: x, y: 0.5, side: objects.count > 2 ? 0.2 : 0.4)
      }
      return Scene(objects: placed, place: nil, relation: relation, background: .plain(.gray), horizon: 0.6)
    }
    func isRight(_ drawn: Scene, _ category: PromptCategory, _ asked: Scene) -> Bool {
      let reading = judge.read(drawn.render(size: 256, atlas: atlas))
      return Judge.isRight(reading, for: EvaluationPrompt(category: category, text: "", scene: asked))
    }
    let (red, blue) = (SceneObject.shape(.circle, .red), SceneObject.shape(.circle, .blue))
    let (star, panda) = (SceneObject.shape(.star, .blue), SceneObject.emoji("panda"))
    #expect(isRight(scene([red], nil), .colors, scene([red], nil)))
    #expect(!isRight(scene([blue], nil), .colors, scene([red], nil)))
    #expect(!isRight(scene([panda], nil), .single, scene([red], nil)))
    #expect(isRight(scene([red, star], nil), .attribution, scene([star, red], nil)))
    #expect(!isRight(scene([blue, .shape(.star, .red)], nil), .attribution, scene([red, star], nil)))
    #expect(isRight(scene([panda, red], .leftOf), .position, scene([panda, red], .leftOf)))
    #expect(!isRight(scene([red, panda], .leftOf), .position, scene([panda, red], .leftOf)))
    #expect(isRight(scene([panda, panda, panda], nil), .counting, scene([panda, panda, panda], nil)))
    #expect(!isRight(scene([panda, panda, panda], nil), .counting, scene([panda, panda], nil)))
  }

  @Test func anIntervalHoldsTheShare() {
    var tally = Scorecard.Tally()
    (tally.right, tally.count) = (45, 50)
    #expect(abs(tally.interval.lowerBound - 0.786) < 0.001)  // Wilson's interval of 45 in 50
    #expect(abs(tally.interval.upperBound - 0.957) < 0.001)
  }

  private func expectCeiling(_ world: World, every: Int, atLeast: Double, shuffledBelow: Double) throws {
    let atlas = try GlyphAtlas(world: world)
    let judge = Judge(atlas: atlas)
    let prompts = Prepared.set(of: world).prompts
    for category in PromptSet.categories(of: world) {
      let mine = prompts.filter { $0.category == category }.enumerated().filter { $0.offset % every == 0 }.map(
        \.element)
      let readings = mine.map { judge.read($0.scene.render(size: 256, atlas: atlas)) }
      let right = zip(readings, mine).filter { Judge.isRight($0, for: $1) }.count
      let others = mine.indices.filter { Judge.isRight(readings[($0 + mine.count / 2) % mine.count], for: mine[$0]) }
      #expect(Double(right) >= atLeast * Double(mine.count), "\(category): \(right) of \(mine.count)")
      #expect(Double(others.count) < shuffledBelow * Double(mine.count), "\(category): \(others.count) shuffled")
    }
  }
}
