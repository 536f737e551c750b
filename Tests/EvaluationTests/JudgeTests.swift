import Data
import Evaluation
import Testing

@Suite struct JudgeTests {
  @Test func rendersAreRightAndOtherPromptsPicturesAreNot() throws {
    let atlas = try GlyphAtlas()
    let judge = Judge(atlas: atlas)
    let scenes = (0..<10).map { Scenes(seed: 1, split: .heldOut)[$0] }
    var (real, shuffled) = (Scorecard(), Scorecard())
    for (index, scene) in scenes.enumerated() {
      let picture = scene.scene.render(size: 256, atlas: atlas)
      real.add(judge.judge(picture, against: scene))
      shuffled.add(judge.judge(picture, against: scenes[(index + 5) % 10]))
    }
    for aspect in Judge.Aspect.allCases {
      #expect(real[aspect].share == 1, "\(aspect)")
      #expect(shuffled[aspect].share < 0.5, "\(aspect)")
    }
  }

  @Test func anEmptyPictureHasNoObject() throws {
    let atlas = try GlyphAtlas()
    let asked = Scenes(seed: 1)[0]
    let empty = Scene(objects: [], place: nil, relation: nil, background: .plain(.blue), horizon: 0.5)
    let verdicts = Judge(atlas: atlas).judge(empty.render(size: 128, atlas: atlas), against: asked)
    #expect(verdicts.filter { $0.aspect == .object }.allSatisfy { $0.found == "nothing" })
  }

  @Test func anIntervalHoldsTheShare() {
    var tally = Scorecard.Tally()
    (tally.right, tally.count) = (45, 50)
    #expect(abs(tally.interval.lowerBound - 0.786) < 0.001)  // Wilson's interval of 45 in 50
    #expect(abs(tally.interval.upperBound - 0.957) < 0.001)
  }
}
