import Scenes
import Testing

@testable import Evaluation

/// GenEval's rule on readings made by hand.
@Suite struct RuleTests {
  private func isRight(
    _ parts: [ImageReading.Found], _ category: PromptCategory, _ objects: [SceneObject],
    _ relation: Scene.Relation? = nil
  ) -> Bool {
    Judge.isRight(Readings.reading(parts), for: Readings.prompt(category, objects, relation: relation))
  }

  private let panda = Readings.part(Readings.panda)
  private let apple = Readings.part(Readings.apple)
  private let red = Readings.part(Readings.redCircle)
  private let blue = Readings.part(Readings.blueCircle)

  @Test func oneObjectIsRightWhereItIsAmongOthers() {
    #expect(isRight([panda], .single, [Readings.panda]))
    #expect(isRight([apple, red, panda], .single, [Readings.panda]), "more objects do not matter")
    #expect(!isRight([apple, red], .single, [Readings.panda]))
    #expect(!isRight([], .single, [Readings.panda]))
  }

  @Test func onlyTheBestMatchOfAPartCounts() {
    let doubtful = Readings.part(Readings.apple, likeness: 0.8, also: [(Readings.panda, 0.79)])
    #expect(!isRight([doubtful], .single, [Readings.panda]))
    #expect(isRight([doubtful], .single, [Readings.apple]))
  }

  @Test func aShapeNeedsItsColor() {
    #expect(isRight([red], .colors, [Readings.redCircle]))
    #expect(!isRight([blue], .colors, [Readings.redCircle]))
    // The color that is seen counts, not that of the template that matched best.
    #expect(isRight([Readings.part(Readings.blueCircle, color: .red)], .colors, [Readings.redCircle]))
    #expect(!isRight([Readings.part(Readings.redCircle, color: .pink)], .colors, [Readings.redCircle]))
    #expect(isRight([Readings.part(Readings.panda, color: .red)], .single, [Readings.panda]), "emoji have any")
  }

  @Test(arguments: 2...6) func aCountIsExact(_ count: Int) {
    for shown in 0...7 {
      let parts = Array(repeating: panda, count: shown) + [apple]
      #expect(isRight(parts, .counting, Array(repeating: Readings.panda, count: count)) == (shown == count))
    }
  }

  @Test func bothOfTwoObjectsAreNeeded() {
    #expect(isRight([apple, panda], .two, [Readings.panda, Readings.apple]))
    #expect(!isRight([panda, panda], .two, [Readings.panda, Readings.apple]))
    #expect(!isRight([apple], .two, [Readings.panda, Readings.apple]))
  }

  @Test func exchangedColorsAreWrong() {
    let asked = [Readings.redCircle, Readings.blueStar]
    #expect(isRight([Readings.part(Readings.blueStar), red], .attribution, asked))
    #expect(!isRight([Readings.part(.shape(.star, .red)), blue], .attribution, asked))
  }

  @Test func aRelationHoldsForAnyTwoOfTheObjects() {
    let left = Readings.part(Readings.panda, x: 0.25)
    let (right, middle) = (Readings.part(Readings.apple, x: 0.75), Readings.part(Readings.apple, x: 0.1))
    let asked = [Readings.panda, Readings.apple]
    #expect(isRight([left, right], .position, asked, .leftOf))
    #expect(!isRight([left, right], .position, asked, .rightOf))
    #expect(!isRight([left, right], .position, asked, .above))
    #expect(isRight([middle, left, right], .position, asked, .leftOf), "the second apple stands right")
    #expect(!isRight([left], .position, asked, .leftOf))
    #expect(!isRight([left, right], .position, asked, nil), "a scene without a relation asks for none")
  }

  // MARK: - Relations of parts

  /// A part of 20×20 pixels whose center is moved from the middle.
  private func moved(_ dx: Int, _ dy: Int, side: Int = 20) -> Segment {
    Segment(
      area: side * side, left: 500 + dx - side / 2, right: 499 + dx + side / 2, top: 500 + dy - side / 2,
      bottom: 499 + dy + side / 2)
  }

  private func relations(_ dx: Int, _ dy: Int, side: Int = 20) -> Set<Scene.Relation> {
    Set(Judge.relations(of: moved(dx, dy, side: side), to: moved(0, 0, side: side)))
  }

  @Test func directionsAreThoseOfTheCenters() {
    #expect(relations(-50, 0) == [.leftOf] && relations(50, 0) == [.rightOf])
    #expect(relations(0, -50) == [.above] && relations(0, 50) == [.below])
    #expect(relations(-50, -50) == [.leftOf, .above] && relations(50, 50) == [.rightOf, .below])
  }

  /// A tenth of both widths, 4 pixels of 20 and 20, does not count.
  @Test func partsThatOverlapMostlyHaveNoRelation() {
    #expect(relations(0, 0).isEmpty && relations(4, -4).isEmpty)
    #expect(relations(5, 0) == [.rightOf])
    #expect(relations(19, 0, side: 100).isEmpty && relations(21, 0, side: 100) == [.rightOf])
  }

  /// Reduced by 4, the offset is (40, 69) at 59.9° from the horizontal and (40, 70) at 60.3°.
  @Test func aDirectionHoldsWithin60Degrees() {
    #expect(relations(44, 73) == [.rightOf, .below])
    #expect(relations(44, 74) == [.below])
    #expect(relations(-73, -44) == [.leftOf, .above])
    #expect(relations(-74, -44) == [.leftOf])
  }

  @Test func theOtherWayRoundIsTheOpposite() {
    for dx in stride(from: -60, through: 60, by: 15) {
      for dy in stride(from: -60, through: 60, by: 12) {
        #expect(Set(relations(dx, dy).map(\.opposite)) == relations(-dx, -dy), "\(dx), \(dy)")
      }
    }
  }
}
