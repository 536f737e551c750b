import Foundation
import NN
import TestSupport
import Testing
import Torch

@Suite struct AttentionTests {
  /// softmax(Q · Kᵀ / √d) · V, head by head and query by query; `attend(b, head, n, m)` says which keys are seen.
  private func byHand(
    _ q: Tensor, _ k: Tensor, _ v: Tensor, heads: Int, attend: (Int, Int, Int, Int) -> Bool = { _, _, _, _ in true }
  ) -> Tensor {
    let (B, N, D) = q.shape3
    let (M, d) = (k.shape[1], D / heads)
    let (queries, keys, values) = (q.doubles(), k.doubles(), v.doubles())
    var result = [Double](repeating: 0, count: B * N * D)
    for b in 0..<B {
      for head in 0..<heads {
        for n in 0..<N {
          func channel(_ row: Int, _ index: Int) -> Int { row * D + head * d + index }
          let scores = (0..<M).map { m in
            (0..<d).reduce(0.0) { $0 + queries[channel(b * N + n, $1)] * keys[channel(b * M + m, $1)] }
              / Double(d).squareRoot()
          }
          let weights = (0..<M).map { attend(b, head, n, $0) ? exp(scores[$0]) : 0 }
          let total = weights.reduce(0, +)
          for index in 0..<d {
            let sum = (0..<M).reduce(0.0) { $0 + weights[$1] * values[channel(b * M + $1, index)] }
            result[channel(b * N + n, index)] = sum / total
          }
        }
      }
    }
    return Tensor(result, shape: [B, N, D])
  }

  @Test(arguments: [(1, 5), (2, 8), (3, 9), (2, 14), (7, 7)])
  func itIsTheSoftmaxOfTheScaledProductsTimesTheValues(_ heads: Int, _ width: Int) {
    let q = random([2, 4, width], seed: 1)
    let (k, v) = (random([2, 6, width], seed: 2), random([2, 6, width], seed: 3))
    let result = Tensor.multiHeadAttention(q, k, v, heads: heads, attend: nil)
    expectClose(result, byHand(q, k, v, heads: heads), atol: 1e-12)
    let single = Tensor.multiHeadAttention(
      q.to(.float32), k.to(.float32), v.to(.float32), heads: heads, attend: nil)
    expectClose(single, result.to(.float32), atol: 1e-5, "float32")
  }

  /// A mask of padding is one for all heads and queries; a mask of its own for each is possible.
  @Test(arguments: [[2, 1, 1, 5], [2, 3, 4, 5]]) func onlyTheKeysOfTheMaskAreSeen(_ shape: [Int]) {
    let q = random([2, 4, 9], seed: 4)
    let (k, v) = (random([2, 5, 9], seed: 5), random([2, 5, 9], seed: 6))
    let numbers = Tensor.rand(shape, generator: Generator(seed: 7))
    let first = Tensor.arange(0, 5) .== 0  // every query sees the first key at least
    let mask = (numbers .> 0.5).to(.float32).maximum(first.to(.float32)) .> 0.5
    let seen = mask.expanded([2, 3, 4, 5]).to(.float32).floats()
    let expected = byHand(q, k, v, heads: 3) { b, head, n, m in seen[((b * 3 + head) * 4 + n) * 5 + m] == 1 }
    #expect(seen.contains(0) && seen.contains(1))
    expectClose(Tensor.multiHeadAttention(q, k, v, heads: 3, attend: mask), expected, atol: 1e-12)
  }

  @Test func keysBehindTheMaskMayHoldAnything() {
    let q = random([1, 3, 4], seed: 8)
    let (k, v) = (random([1, 4, 4], seed: 9), random([1, 4, 4], seed: 10))
    let mask = Tensor([true, true, false, false], shape: [1, 1, 1, 4])
    let result = Tensor.multiHeadAttention(q, k, v, heads: 2, attend: mask)
    k.sliced(1, 2..<4).fill_(1e6)
    v.sliced(1, 2..<4).fill_(-1e6)
    #expect(Tensor.multiHeadAttention(q, k, v, heads: 2, attend: mask).doubles() == result.doubles())
  }

  @Test func aQueryThatSeesOneKeyGetsItsValue() {
    let (q, k, v) = (random([1, 2, 6], seed: 11), random([1, 3, 6], seed: 12), random([1, 3, 6], seed: 13))
    let mask = Tensor([false, true, false], shape: [1, 1, 1, 3])
    let result = Tensor.multiHeadAttention(q, k, v, heads: 3, attend: mask)
    expectClose(result, v.sliced(1, 1..<2).expanded([1, 2, 6]), atol: 1e-12)
  }

  @Test func theOrderOfTheKeysDoesNotMatter() {
    let (q, k, v) = (random([2, 3, 6], seed: 14), random([2, 4, 6], seed: 15), random([2, 4, 6], seed: 16))
    let order = Tensor([2, 0, 3, 1] as [Int64])
    expectClose(
      Tensor.multiHeadAttention(q, k.indexed(1, order), v.indexed(1, order), heads: 2, attend: nil),
      Tensor.multiHeadAttention(q, k, v, heads: 2, attend: nil), atol: 1e-12)
  }

  @Test func aHeadSeesItsOwnChannelsAlone() {
    let (q, k, v) = (random([1, 3, 6], seed: 17), random([1, 4, 6], seed: 18), random([1, 4, 6], seed: 19))
    let before = Tensor.multiHeadAttention(q, k, v, heads: 3, attend: nil)
    for tensor in [q, k, v] { tensor.sliced(2, 2..<4).add_(Tensor(1.5)) }  // the channels of the second head
    let after = Tensor.multiHeadAttention(q, k, v, heads: 3, attend: nil)
    let changed = (after - before).abs().max([0, 1]).doubles()
    #expect(changed[0..<2].allSatisfy { $0 == 0 } && changed[4..<6].allSatisfy { $0 == 0 })
    #expect(changed[2..<4].allSatisfy { $0 > 0.1 })
  }

  @Test func itsGradientsAreFiniteDifferences() {
    let (q, k, v) = (random([1, 2, 6], seed: 20), random([1, 3, 6], seed: 21), random([1, 3, 6], seed: 22))
    let mask = Tensor([true, false, true], shape: [1, 1, 1, 3])
    let weights = random([1, 2, 6], seed: 23)
    expectGradients(
      inputs: [q, k, v],
      of: { (Tensor.multiHeadAttention(q, k, v, heads: 2, attend: mask) * weights).sum() })
  }
}
