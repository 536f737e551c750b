import Evaluation
import Testing

@Suite struct AgreementTests {
  private func agreement(both: Int, first: Int, second: Int, neither: Int) -> Agreement {
    func verdicts(_ pair: (Bool, Bool), _ count: Int) -> [(Bool, Bool)] { Array(repeating: pair, count: count) }
    return Agreement(
      verdicts((true, true), both) + verdicts((true, false), first) + verdicts((false, true), second)
        + verdicts((false, false), neither))
  }

  /// 35 of 50 agree; by chance 0.5 · 0.6 + 0.5 · 0.4 = 0.5 would: (0.7 − 0.5) / 0.5.
  @Test func kappaIsAgreementBeyondChance() throws {
    let found = agreement(both: 20, first: 5, second: 10, neither: 15)
    #expect(found.agreed == 35 && found.images == 50)
    #expect(abs(try #require(found.kappa) - 0.4) < 1e-12)
  }

  @Test func kappaIsOneOfEqualsZeroOfChanceAndLessOfOpposites() throws {
    #expect(agreement(both: 7, first: 0, second: 0, neither: 3).kappa == 1)
    #expect(abs(try #require(agreement(both: 6, first: 2, second: 3, neither: 1).kappa)) < 1e-12)
    #expect(agreement(both: 0, first: 5, second: 5, neither: 0).kappa == -1)
  }

  @Test func kappaIsNoneWhereChanceAgreesAlways() {
    #expect(agreement(both: 9, first: 0, second: 0, neither: 0).kappa == nil)
  }
}
