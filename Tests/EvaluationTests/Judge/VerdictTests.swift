import Testing

@testable import Evaluation
@testable import Scenes

/// Verdicts fact by fact, on readings made by hand.
@Suite struct VerdictTests {
  private typealias Verdict = Judge.Verdict

  private func judge(
    _ parts: [ImageReading.Found], on background: String = "blue", _ scene: Scene,
    claims: CaptionedScene.Claims = CaptionedScene.Claims(background: true, place: true)
  ) -> [Verdict] {
    Judge.judge(
      Readings.reading(parts, on: background), against: CaptionedScene(scene: scene, caption: "", claims: claims))
  }

  private let silent = CaptionedScene.Claims(background: false, place: false, sizes: false, colors: false)

  @Test func everyFactOfAShapeHasAVerdict() {
    let scene = Readings.scene([Readings.redCircle], place: .center)
    #expect(
      judge([Readings.part(.shape(.circle, .pink))], on: "grass", scene) == [
        Verdict(aspect: .color, expected: "blue", found: "grass"),
        Verdict(aspect: .object, expected: "circle", found: "circle"),
        Verdict(aspect: .color, expected: "red", found: "pink"),
        Verdict(aspect: .place, expected: "center", found: "center"),
      ])
    #expect(judge([Readings.part(Readings.redCircle)], scene).allSatisfy { $0.isRight })
  }

  @Test func whatACaptionLeavesOutIsNotJudged() {
    let scene = Readings.scene([Readings.redCircle], place: .left)
    #expect(
      judge([Readings.part(Readings.blueCircle)], on: "snow", scene, claims: silent) == [
        Verdict(aspect: .object, expected: "circle", found: "circle")
      ])
  }

  @Test func anEmptyImageShowsNothing() {
    let single = judge([], Readings.scene([Readings.redCircle], place: .left))
    #expect(single.map(\.found) == ["blue", "nothing", "none", "nothing"])
    let pair = judge([], Readings.scene([Readings.panda, Readings.apple], relation: .above), claims: silent)
    #expect(pair.map(\.found) == ["nothing", "nothing"])
    let group = judge([], Readings.scene([Readings.panda, Readings.panda]), claims: silent)
    #expect(
      group == [
        Verdict(aspect: .object, expected: "panda", found: "nothing"),
        Verdict(aspect: .count, expected: "2", found: "0"),
      ])
  }

  @Test(arguments: 0...7) func aGroupIsCountedWithoutOthers(_ shown: Int) {
    let parts = Array(repeating: Readings.part(Readings.panda), count: shown) + [Readings.part(Readings.apple)]
    let verdicts = judge(parts, Readings.scene(Array(repeating: Readings.panda, count: 3)), claims: silent)
    #expect(verdicts.count == 2)
    #expect(verdicts[1] == Verdict(aspect: .count, expected: "3", found: String(shown)))
    #expect(verdicts[0].isRight == (shown > 0), "the most salient part must be one of them")
  }

  @Test func partsBelongToTheObjectsThatTheyResemble() {
    let scene = Readings.scene([Readings.panda, Readings.apple], relation: .leftOf)
    // The apple is more salient.
    let parts = [
      Readings.part(Readings.apple, x: 0.75, also: [(Readings.panda, 0.2)]),
      Readings.part(Readings.panda, x: 0.25, also: [(Readings.apple, 0.1)]),
    ]
    #expect(judge(parts, scene).allSatisfy { $0.isRight })
    #expect(judge(parts.reversed(), scene).allSatisfy { $0.isRight })
  }

  @Test func ofEquallyGoodPairingsTheFirstIsTaken() {
    let scene = Readings.scene([Readings.panda, Readings.apple], relation: .leftOf)
    let strangers = [Readings.part(Readings.redCircle, x: 0.2), Readings.part(Readings.blueStar, x: 0.8)]
    #expect(judge(strangers, scene, claims: silent).map(\.found) == ["circle", "star"])
  }

  @Test func ofThreeObjectsEachFindsItsPart() {
    let objects = [Readings.panda, Readings.apple, Readings.blueStar]
    for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0], [2, 1, 0]] {
      let parts = order.map { Readings.part(objects[$0]) }
      let verdicts = judge(parts, Readings.scene(objects), claims: silent)
      #expect(verdicts.allSatisfy(\.isRight) && verdicts.count == 3, "\(order)")
    }
  }

  @Test func aSecondObjectThatIsMissingLeavesNoRelation() {
    let scene = Readings.scene([Readings.panda, Readings.apple], relation: .leftOf)
    let verdicts = judge([Readings.part(Readings.apple)], scene)
    #expect(verdicts.filter { $0.aspect == .object }.map(\.found).sorted() == ["apple", "nothing"])
    #expect(verdicts.last == Verdict(aspect: .place, expected: "leftOf", found: "one object"))
  }

  @Test(arguments: Scene.Place.allCases) func aPlaceIsTheNearestOfNine(_ place: Scene.Place) {
    let scene = Readings.scene([Readings.panda], place: place)
    for (dx, dy) in [(0.0, 0.0), (0.08, -0.08), (-0.08, 0.08)] {
      let part = Readings.part(Readings.panda, x: place.center.x + dx, y: place.center.y + dy)
      #expect(judge([part], scene).last == Verdict(aspect: .place, expected: place.rawValue, found: place.rawValue))
    }
    let elsewhere = Readings.part(Readings.panda, x: 1 - place.center.x + 0.01, y: place.center.y > 0.4 ? 0.27 : 0.73)
    #expect(judge([elsewhere], scene).last?.isRight == false)
  }

  @Test(arguments: Scene.Relation.allCases) func aRelationIsThatOfTheLargerOffset(_ relation: Scene.Relation) {
    let scene = Readings.scene([Readings.panda, Readings.apple], relation: relation)
    func seen(_ dx: Double, _ dy: Double) -> String? {
      let parts = [Readings.part(Readings.panda, x: 0.5 + dx, y: 0.5 + dy), Readings.part(Readings.apple)]
      return judge(parts, scene).last?.found
    }
    #expect(seen(-0.3, 0.2) == "leftOf" && seen(0.3, -0.2) == "rightOf")
    #expect(seen(0.2, -0.3) == "above" && seen(-0.2, 0.3) == "below")
  }

  @Test func aReadingIsSummedUpInWords() {
    let reading = Readings.reading([Readings.part(Readings.panda), Readings.part(Readings.blueCircle, color: .red)])
    #expect(reading.summary == "panda, red circle on blue" && reading.isPlain)
    #expect(Readings.reading([], on: "beach").summary == "nothing on beach")
    #expect(!Readings.reading([], on: "beach").isPlain)
  }
}
