import Foundation
import Testing

@testable import Evaluation

@Suite struct ScorecardTests {
  private func tally(_ right: Int, _ count: Int) -> Scorecard.Tally {
    var tally = Scorecard.Tally()
    for index in 0..<count { tally.add(index < right) }
    return tally
  }

  private func verdict(_ aspect: Judge.Aspect, _ isRight: Bool) -> Judge.Verdict {
    Judge.Verdict(aspect: aspect, expected: "apple", found: isRight ? "apple" : "panda")
  }

  @Test func verdictsAreCountedByAspect() {
    var card = Scorecard()
    card.add([verdict(.object, true), verdict(.object, false), verdict(.color, true)])
    card.add([verdict(.object, true)])
    card.add([])
    #expect(card[.object] == tally(2, 3) && card[.color] == tally(1, 1))
    #expect(card[.place] == tally(0, 0) && card.tallies.keys.sorted() == ["color", "object"])
  }

  @Test func aScorecardIsReadBackFromJSON() throws {
    var card = Scorecard()
    card.add([verdict(.count, true), verdict(.place, false)])
    #expect(try JSONDecoder().decode(Scorecard.self, from: JSONEncoder().encode(card)) == card)
  }

  @Test func aShareOfNothingIsNone() {
    #expect(tally(0, 0).share == 0 && tally(0, 0).interval == 0...1)
    #expect(tally(3, 4).share == 0.75)
  }

  /// With none right the upper bound is z² / (n + z²); with all right it is the same from above.
  @Test(arguments: [1, 10, 400]) func wilsonsIntervalOfNoneAndOfAll(_ count: Int) {
    let (n, z) = (Double(count), 1.96)
    let (none, all) = (tally(0, count).interval, tally(count, count).interval)
    #expect(none.lowerBound == 0 && abs(none.upperBound - z * z / (n + z * z)) < 1e-12)
    #expect(abs(all.upperBound - 1) < 1e-12 && abs(all.lowerBound - n / (n + z * z)) < 1e-12)
  }

  @Test func intervalsHoldTheShareMirrorAndShrinkWithMoreImages() {
    for right in 0...20 {
      let interval = tally(right, 20).interval
      #expect(interval.contains(Double(right) / 20))
      let mirrored = tally(20 - right, 20).interval
      #expect(abs(interval.lowerBound - (1 - mirrored.upperBound)) < 1e-12)
      let more = tally(10 * right, 200).interval
      #expect(more.upperBound - more.lowerBound < interval.upperBound - interval.lowerBound)
    }
  }

  // MARK: - Bootstrap

  @Test func everyGroupHasTheSameWeight() {
    // A thousand of the one and one of the other: the mean of the groups' means is a half.
    #expect(Bootstrap.interval([[Double](repeating: 1, count: 1000), [0]]) == 0.5...0.5)
    #expect(Bootstrap.interval([[Double](repeating: 0.25, count: 9)]) == 0.25...0.25)
  }

  @Test func emptyGroupsAreLeftOut() {
    #expect(Bootstrap.interval([[], [1, 0, 1], []]) == Bootstrap.interval([[1, 0, 1]]))
    #expect(Bootstrap.interval([]) == 0...1 && Bootstrap.interval([[], []]) == 0...1)
  }

  /// Nearly Wilson's interval where one group of zeros and ones is large.
  @Test func theIntervalOfOneGroupIsThatOfAShare() {
    let values = (0..<400).map { $0 < 300 ? 1.0 : 0 }
    let (found, expected) = (Bootstrap.interval([values]), tally(300, 400).interval)
    #expect(abs(found.lowerBound - expected.lowerBound) < 0.012)
    #expect(abs(found.upperBound - expected.upperBound) < 0.012)
  }

  // MARK: - Agreement

  @Test func agreementIsASentence() {
    let pairs = [(true, true), (true, false), (false, false), (false, false)]
    // By chance 1/2 · 1/4 + 1/2 · 3/4 = 1/2 would agree.
    #expect(Agreement(pairs).sentence == "The judges agree on 3 of 4 generated images, Cohen's kappa 0.500.")
    #expect(Agreement([(true, true)]).sentence == "The judges agree on 1 of 1 generated images.")
    #expect(Agreement.none(in: .medium).hasPrefix("There is no learned judge for the medium world"))
  }
}
