import Scenes
import Testing

@testable import Evaluation

@Suite struct PromptWordingTests {
  private func plain(_ category: PromptCategory, _ objects: [SceneObject], _ relation: Scene.Relation? = nil) -> String
  {
    PromptWording.plain(Readings.scene(objects, relation: relation), category, in: .small)
  }

  private func other(
    _ category: PromptCategory, _ objects: [SceneObject], _ relation: Scene.Relation? = nil, variant: Int
  ) -> String {
    let prompt = Readings.prompt(category, objects, relation: relation, text: plain(category, objects, relation))
    return PromptWording.other(prompt, in: .small, variant: variant)
  }

  private let star = SceneObject.shape(.star, .orange)

  @Test func plainPromptsAreTheObjectsAndTheirRelation() {
    #expect(plain(.single, [Readings.panda]) == "a panda")
    #expect(plain(.colors, [star]) == "an orange star")
    #expect(plain(.counting, Array(repeating: Readings.apple, count: 4)) == "four apples")
    #expect(plain(.two, [Readings.panda, Readings.apple]) == "a panda and an apple")
    #expect(plain(.attribution, [star, Readings.blueStar]) == "an orange star and a blue star")
  }

  @Test(
    arguments: zip(Scene.Relation.allCases, ["to the left of", "to the right of", "above", "below"]))
  func plainPositionsNameTheRelation(_ relation: Scene.Relation, _ words: String) {
    #expect(plain(.position, [Readings.panda, Readings.apple], relation) == "a panda \(words) an apple")
  }

  @Test func otherWordsForOneObjectTakeTurns() {
    let forms = (0..<4).map { other(.single, [Readings.panda], variant: $0) }
    #expect(forms == ["a picture of a panda", "there is a panda", "a panda in the middle", "a picture of a panda"])
  }

  @Test func otherWordsAreNeverThePromptsOwn() {
    let asked = Readings.prompt(.colors, [star], text: "a picture of an orange star")
    #expect(PromptWording.other(asked, in: .small, variant: 0) == "there is an orange star")
  }

  @Test func otherWordsForSeveralKeepNumberAndObjects() {
    let apples = Array(repeating: Readings.apple, count: 3)
    #expect(
      (0..<2).map { other(.counting, apples, variant: $0) } == ["a picture of three apples", "there are three apples"])
    #expect(
      (0..<3).map { other(.two, [Readings.panda, Readings.apple], variant: $0) } == [
        "an apple next to a panda", "there is an apple beside a panda", "a picture of an apple and a panda",
      ])
  }

  @Test func otherWordsForAPositionStateTheSame() {
    func words(_ relation: Scene.Relation) -> [String] {
      (0..<2).map { other(.position, [Readings.panda, Readings.apple], relation, variant: $0) }
    }
    #expect(words(.leftOf) == ["a panda on the left and an apple on the right", "an apple to the right of a panda"])
    #expect(words(.rightOf) == ["an apple on the left and a panda on the right", "an apple to the left of a panda"])
    #expect(words(.above) == ["an apple below a panda", "an apple below a panda"])
    #expect(words(.below) == ["an apple above a panda", "an apple above a panda"])
  }

  @Test func synonymsAreUsedWhereThereAreAny() {
    #expect(other(.single, [.emoji("hamburger")], variant: 1) == "there is a burger")
    #expect(other(.single, [.shape(.diamond, .red)], variant: 1) == "there is a red rhombus")
  }
}
