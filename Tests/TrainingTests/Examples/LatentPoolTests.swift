import Testing

@testable import Training

@Suite(.serialized) struct LatentPoolTests {
  /// Smaller than a block, no multiple of one, and never renewed.
  @Test(arguments: [(10, 7), (100, 30), (70, 0)]) func aPoolIsTheSameWhereverARunGoesOn(size: Int, renewal: Int) throws
  {
    try CacheFixture.with { fixture in
      var plan = fixture.plan()
      (plan.poolSize, plan.poolRenewal) = (size, renewal)
      let whole = try fixture.draws(try fixture.trainer(plan, cached: false), steps: 0..<11)
      let continued = try fixture.draws(try fixture.trainer(plan, cached: false), steps: 9..<11)
      #expect(zip(whole[9...], continued).allSatisfy { $0.equals($1) })
      let seen = Set(whole.flatMap(\.ids)).count
      #expect(renewal > 0 ? seen > size / 4 : seen <= size)
    }
  }

  /// Images that others would replace before they are drawn are not encoded, so that a step has a bounded cost.
  @Test func aPoolThatIsSmallerThanItsRenewalEncodesNoMoreThanItHolds() throws {
    try CacheFixture.with { fixture in
      var plan = fixture.plan()
      (plan.poolSize, plan.poolRenewal) = (1, 10_000_000)
      let whole = try fixture.draws(try fixture.trainer(plan), steps: 0..<3)
      #expect(try fixture.files("latents").count == 3)  // one block of images for each step
      let continued = try fixture.draws(try fixture.trainer(plan, cached: false), steps: 2..<3)
      #expect(continued[0].equals(whole[2]))
      #expect(Set(whole.map { $0.ids[0] }).count == 3)
    }
  }
}
