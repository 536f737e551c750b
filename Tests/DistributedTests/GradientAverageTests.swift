import Distributed
import TestSupport
import Testing
import Torch

@Suite struct GradientAverageTests {
  /// Two layers, whose gradients are sums over rows.
  private static func loss(_ parameters: [Tensor], _ rows: Tensor) -> Tensor {
    let hidden = rows.matmul(parameters[0]) + parameters[1]
    return (hidden.relu().matmul(parameters[2])).square().mean()
  }

  private static func parameters() -> [Tensor] {
    [[3, 4], [4], [4, 2]].enumerated().map { index, shape in
      let parameter = Tensor.randn(shape, generator: Generator(seed: UInt64(index)))
      parameter.requiresGrad = true
      return parameter
    }
  }

  private static func rows() -> Tensor { Tensor.randn([8, 3], generator: Generator(seed: 9)) }

  /// Whatever the buckets, and also after a pass whose gradients are added to.
  @Test(arguments: [1, 5, 12, 1000]) func gradientsAreThoseOfTheWholeBatch(_ bucket: Int) throws {
    let whole = Self.parameters()
    (Self.loss(whole, Self.rows()) * 2).backward()
    let expected = whole.map { $0.grad?.floats() ?? [] }
    let results = try ThreadGroup.values(2) { group in
      let parameters = Self.parameters()
      Self.loss(parameters, group.own(Self.rows())).backward()
      let average = GradientAverage(parameters, group: group, bucket: bucket)
      Self.loss(parameters, group.own(Self.rows())).backward()
      average.finish()
      let gradients = parameters.map { $0.grad?.floats() ?? [] }
      Self.loss(parameters, group.own(Self.rows())).backward()  // exchanges nothing any more
      return gradients
    }
    for gradients in results {
      for (own, single) in zip(gradients, expected) {
        #expect(own.count == single.count && zip(own, single).allSatisfy { abs($0 - $1) < 1e-5 })
      }
    }
  }

  /// Buckets are on their way before the pass ends, those of the last layers first.
  @Test func bucketsAreSentDuringThePass() {
    /// What the one thread of this test sees.
    final class Seen: @unchecked Sendable {
      var (sizes, isOver, late) = ([Int](), false, 0)
    }
    let seen = Seen()
    let transport = ProcessGroup.Transport(
      sumFloats: { _ in nil },
      beginSum: { values in
        seen.sizes.append(values.count)
        if seen.isOver { seen.late += 1 }
        return nil
      }, progress: { nil }, endSums: { nil }, sumDoubles: { _ in nil }, broadcast: { _, _ in nil },
      gather: { _, _ in nil }, finish: {}, abort: { _ in })
    let parameters = Self.parameters()
    let average = GradientAverage(
      parameters, group: ProcessGroup(rank: 0, count: 2, transport: transport), bucket: 1)
    Self.loss(parameters, Self.rows()).backward()
    seen.isOver = true
    average.finish()
    #expect(seen.sizes == [8, 4, 12] && seen.late == 0)
  }

  /// A parameter without gradient does not keep the others waiting for ever.
  @Test func whatGetsNoGradientIsLeftOut() throws {
    let results = try ThreadGroup.values(2) { group in
      let (used, unused) = (Tensor([1, 2] as [Float]), Tensor([3] as [Float]))
      for parameter in [used, unused] { parameter.requiresGrad = true }
      let average = GradientAverage([used, unused], group: group)
      (used.sum() * Double(group.rank)).backward()
      average.finish()
      return (used.grad?.floats(), unused.grad?.floats())
    }
    for (used, unused) in results { #expect(used == [0.5, 0.5] && unused == nil) }
  }
}
