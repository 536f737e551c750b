import TestSupport
import Testing
import Torch

@testable import Models

@Suite struct TextConditioningTests {
  private func text(_ rows: Int, seed: UInt64 = 1) -> TextConditioning {
    TextConditioning(
      context: Tensor.randn([rows, 4, 6], generator: Generator(seed: seed)),
      mask: Tensor.randint(0..<2, [rows, 4], generator: Generator(seed: seed + 1)).to(.float32),
      pooled: Tensor.randn([rows, 6], generator: Generator(seed: seed + 2)))
  }

  private func expectEqual(_ a: TextConditioning, _ b: TextConditioning) {
    expectClose(a.context, b.context, atol: 0)
    expectClose(a.mask, b.mask, atol: 0)
    expectClose(a.pooled, b.pooled, atol: 0)
  }

  @Test func rowsAreTextsInOrder() {
    let (a, b) = (text(2), text(3, seed: 5))
    let both = TextConditioning.cat([a, b])
    #expect(both.count == 5)
    expectEqual(both[0..<2], a)
    expectEqual(both[2..<5], b)
    expectEqual(TextConditioning.cat([both[3..<4]]), b[1..<2])
  }

  @Test func aSingleTextServesManyImages() {
    let one = text(1)
    let many = one.expanded(to: 3)
    #expect(many.count == 3 && many.context.shape == [3, 4, 6] && many.mask.shape == [3, 4])
    #expect(many.pooled.shape == [3, 6])
    for row in 0..<3 { expectEqual(many[row..<row + 1], one) }
  }

  @Test func aChangeReachesAllThreeTensors() {
    let half = text(2).map { $0.to(.float16) }
    #expect([half.context, half.mask, half.pooled].allSatisfy { $0.dtype == .float16 })
  }

  @Test(arguments: [Double.nan, .infinity, -.infinity]) func oneNumberThatIsNotFiniteIsSeen(_ value: Double) {
    #expect(text(2).allFinite)
    let (a, b) = (text(2), text(2))
    a.context[1][2].narrowed(0, 5, 1).fill_(value)
    b.pooled[0].narrowed(0, 0, 1).fill_(value)
    #expect(!a.allFinite && !b.allFinite)
  }
}
