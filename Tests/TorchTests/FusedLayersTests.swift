import TestSupport
import Testing
import Torch

/// Gradients of layers that are computed at once are those of the operations that they consist of, in float64.
@Suite(.enabled(if: PackedWeights.isSupported(.float32), "needs AVX2")) struct FusedLayersTests {
  private let generator = Generator(seed: 5)

  private func random(_ shape: [Int], _ dtype: DType) -> Tensor {
    Tensor.randn(shape, generator: generator).to(dtype)
  }

  /// Compares results and gradients of `fused` and `plain` for the same inputs and the same gradient of the result.
  ///
  /// The plain operations compute in float64. `tolerance` holds for each tensor's difference in the root mean square.
  private func compare(
    _ inputs: [Tensor], tolerance: Double, _ comment: Comment, fused: ([Tensor]) throws -> Tensor,
    plain: ([Tensor]) -> Tensor
  ) rethrows {
    func leaves(_ dtype: DType?) -> [Tensor] {
      inputs.map { input in
        let leaf = dtype.map { input.to($0) } ?? input.to(input.dtype)
        let own = leaf + 0
        own.requiresGrad = true
        return own
      }
    }
    let (own, exact) = (leaves(nil), leaves(.float64))
    let (actual, expected) = (try fused(own), plain(exact))
    #expect(actual.shape == expected.shape, comment)
    let direction = Tensor.randn(expected.shape, generator: generator).to(actual.dtype)
    (actual * direction).sum().backward()
    (expected * direction.to(.float64)).sum().backward()
    func error(_ a: Tensor, _ b: Tensor) -> Double {
      ((a.to(.float64) - b).square().sum() / b.square().sum()).sqrt().item()
    }
    withNoGrad {
      #expect(error(actual, expected) < tolerance, comment)
      for (index, (a, b)) in zip(own, exact).enumerated() {
        guard let a = a.grad, let b = b.grad else {
          Issue.record("input \(index) has no gradient: \(comment)")
          continue
        }
        #expect(a.dtype == own[index].dtype && error(a, b) < tolerance, "input \(index): \(comment)")
      }
    }
  }

  @Test(arguments: [(2, 96, 32, 8, 8), (3, 60, 12, 5, 3), (2, 320, 32, 1, 1), (4, 16, 4, 3, 9)])
  func gradientsOfANormalization(batch: Int, channels: Int, groups: Int, height: Int, width: Int) {
    PackedWeightsTests.forEachType { dtype, tolerance in
      let x = (random([batch, channels, height, width], .float32) * 3 + 2).to(dtype)
      // Parameters stay in float32 in mixed precision.
      let parameters = [random([channels], .float32) + 1, random([channels], .float32)]
      let shift = random([batch, channels], dtype)
      for activates in [false, true] {
        for inputs in [[x] + parameters, [x] + parameters + [shift]] {
          compare(inputs, tolerance: 3 * tolerance, "\(dtype) \(activates) \(inputs.count)") {
            $0[0].groupNormAtOnce(
              groups, $0[1], $0[2], eps: 1e-5, shift: $0.count > 3 ? $0[3] : nil, activates: activates)
          } plain: {
            let shifted = $0.count > 3 ? $0[0] + $0[3].unsqueezed(2).unsqueezed(3) : $0[0]
            let y = shifted.groupNorm(groups, $0[1], $0[2], eps: 1e-5)
            return activates ? y.silu() : y
          }
        }
      }
    }
  }

  @Test(arguments: [[3, 32], [2, 5, 100], [64, 1536]]) func gradientsOfGEGLU(_ shape: [Int]) {
    PackedWeightsTests.forEachType { dtype, tolerance in
      compare([random(shape, dtype) * 2], tolerance: tolerance, "\(dtype)") {
        $0[0].gegluAtOnce()
      } plain: {
        let halves = $0[0].chunked(2, dim: -1)
        return halves[0] * halves[1].gelu()
      }
    }
  }

  @Test(arguments: [
    (2, 64, 64, 3, 32), (1, 7, 5, 2, 6), (3, 35, 19, 3, 40), (2, 130, 77, 2, 48), (1, 1, 1, 1, 16),
    (1, 200, 256, 1, 64),
  ])
  func gradientsOfAttention(batch: Int, queries: Int, keys: Int, heads: Int, size: Int) throws {
    try PackedWeightsTests.forEachType { dtype, tolerance in
      let inputs = [queries, keys, keys].map { random([batch, $0, heads * size], dtype) }
      let mask =
        Tensor.arange(0, Double(batch * keys)).reshaped([batch, 1, 1, keys]) .< Double(batch * keys - keys / 2)
      let scale = 1 / Double(size).squareRoot()
      func split(_ x: Tensor) -> Tensor { x.reshaped([batch, -1, heads, size]).transposed(1, 2) }
      for mask in [nil, mask] where keys > 1 {
        try compare(inputs, tolerance: dtype == .float32 ? 4e-6 : 1e-2, "\(dtype) \(mask != nil)") {
          try #require(Tensor.attentionAtOnce($0[0], $0[1], $0[2], heads: heads, mask: mask, scale: scale))
        } plain: {
          Tensor.attention(split($0[0]), split($0[1]), split($0[2]), mask: mask, scale: scale)
            .transposed(1, 2).reshaped([batch, queries, heads * size])
        }
      }
    }
  }

  /// A single key gets all the weight, whatever the logits: queries and keys have no gradients, values have.
  @Test func aSingleKeyHasTheGradientOfItsValueOnly() throws {
    let inputs = [5, 1, 1].map { random([2, $0, 32], .float32) }
    for input in inputs { input.requiresGrad = true }
    let y = try #require(Tensor.attentionAtOnce(inputs[0], inputs[1], inputs[2], heads: 2, scale: 0.25))
    y.sum().backward()
    let gradients = try inputs.map { try #require($0.grad).floats() }
    #expect(gradients[0].allSatisfy { $0 == 0 } && gradients[1].allSatisfy { $0 == 0 })
    #expect(gradients[2].allSatisfy { $0 == 5 })
  }

  /// In a process of its own: the number of threads is the process's, and other tests compare sums to the bit.
  @Test func gradientsDoNotDependOnThreads() async {
    await #expect(processExitsWith: .success) {
      let suite = FusedLayersTests()
      PackedWeightsTests.forEachType { dtype, _ in
        let values = [[4, 64, 9, 8], [64], [64], [4, 64]].map { suite.random($0, dtype) }
        let rows = (0..<3).map { _ in suite.random([4, 70, 64], dtype) }
        func bytes(threads: Int) -> [[UInt8]] {
          Libtorch.threads = threads
          let leaves = (values + rows).map { $0 + 0 }
          for leaf in leaves { leaf.requiresGrad = true }
          let normalized = leaves[0].groupNormAtOnce(
            32, leaves[1], leaves[2], eps: 1e-5, shift: leaves[3], activates: true)
          guard let mixed = Tensor.attentionAtOnce(leaves[4], leaves[5], leaves[6], heads: 2, scale: 0.2) else {
            fatalError("attention is not covered")
          }
          (normalized.square().sum() + mixed.gegluAtOnce().square().sum()).backward()
          return leaves.map { $0.grad!.contiguous().bytes() }
        }
        precondition(bytes(threads: 1) == bytes(threads: 2), "\(dtype)")
      }
    }
  }

  @Test(arguments: [[1, 7, 5, 3], [3, 64, 96, 96], [5, 130, 77, 100], [2, 1, 1, 1]])
  func aProductOfBatchesIsThatOfLibtorch(_ sizes: [Int]) {
    let (a, b) = (
      random([sizes[0], sizes[1], sizes[2]], .float32), random([sizes[0], sizes[2], sizes[3]], .float32)
    )
    let transposed = random([sizes[0], sizes[3], sizes[2]], .float32).transposed(1, 2)
    for right in [b, transposed] {
      let product = a.matmulWithoutGradients(right)
      expectClose(product, a.to(.float64).matmul(right.to(.float64)).to(.float32), atol: 1e-4)
    }
  }

  @Test func onlyGradientsAreFusedInTraining() {
    let x = random([2, 8], .float32)
    #expect(!x.trainsFused)
    x.requiresGrad = true
    #expect(x.trainsFused == Libtorch.packsWeights)
    withNoGrad { #expect(!x.trainsFused) }
    let exact = random([2, 8], .float64)
    exact.requiresGrad = true
    #expect(!exact.trainsFused)
  }
}
