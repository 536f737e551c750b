import TestSupport
import Testing
import Torch

/// Layers with packed weights compute what the plain layers compute; float32 is compared in float64.
@Suite(.enabled(if: PackedWeights.isSupported(.float32), "needs AVX2")) struct PackedWeightsTests {
  /// Calls `body` with the types to test and the relative errors that are those of their rounding; float32 with the kernels for
  /// AVX-512 and for AVX2.
  static func forEachType(_ body: (DType, Double) throws -> Void) rethrows {
    try body(.float32, 2e-6)
    if PackedWeights.usesAVX512 { try PackedWeights.withAVX2 { try body(.float32, 2e-6) } }
    if PackedWeights.isSupported(.bfloat16) { try body(.bfloat16, 4e-3) }
  }

  private let generator = Generator(seed: 3)

  private func random(_ shape: [Int], _ dtype: DType = .float32) -> Tensor {
    Tensor.randn(shape, generator: generator).to(dtype)
  }

  /// Root mean square of the difference over that of what is expected.
  private func relativeError(_ actual: Tensor, _ expected: Tensor) -> Double {
    guard actual.shape == expected.shape else { return .infinity }
    let (actual, expected) = (actual.to(.float64), expected.to(.float64))
    return ((actual - expected).square().sum() / expected.square().sum()).sqrt().item()
  }

  @Test(arguments: [(1, 32, 16), (5, 34, 7), (77, 96, 96), (130, 66, 130), (300, 1200, 100)])
  func aLinearLayerOfAnySizeIsThePlainOne(rows: Int, inputs: Int, outputs: Int) throws {
    try Self.forEachType { dtype, tolerance in
      let (x, weight, bias) = (
        random([2, rows, inputs], dtype), random([outputs, inputs], dtype), random([outputs], dtype)
      )
      let term = random([2, rows, outputs], dtype)
      let expected = x.to(.float64).linear(weight.to(.float64), bias.to(.float64))
      let packed = try #require(PackedWeights(matrix: weight, bias: bias))
      #expect(relativeError(packed.linear(x), expected) < tolerance, "\(dtype)")
      #expect(relativeError(packed.linear(x, adding: term), expected + term.to(.float64)) < tolerance, "\(dtype)")
      let unbiased = try #require(PackedWeights(matrix: weight.reshaped([outputs, inputs, 1, 1]), bias: nil))
      #expect(relativeError(unbiased.linear(x), expected - bias.to(.float64)) < tolerance, "\(dtype)")
    }
  }

  @Test(arguments: [(3, 32, [16, 8]), (50, 64, [40, 96, 20])])
  func matricesPackedTogetherAreTheLayersSideBySide(rows: Int, inputs: Int, outputs: [Int]) throws {
    try Self.forEachType { dtype, tolerance in
      let (x, weights) = (random([rows, inputs], dtype), outputs.map { random([$0, inputs], dtype) })
      let expected = Tensor.cat(weights.map { x.to(.float64).linear($0.to(.float64), nil) }, dim: 1)
      let packed = try #require(PackedWeights(matrices: weights))
      #expect(relativeError(packed.linear(x), expected) < tolerance, "\(dtype)")
    }
    let weight = random([8, 32])
    #expect(PackedWeights(matrices: [weight, random([8, 30])]) == nil)
    #expect(PackedWeights(matrices: [weight, random([8, 32], .float64)]) == nil)
    #expect(PackedWeights(matrices: []) == nil)
  }

  @Test(arguments: [(3, 32, 16), (50, 64, 40), (130, 96, 384)])
  func gatedWeightsAreGEGLU(rows: Int, inputs: Int, outputs: Int) throws {
    try Self.forEachType { dtype, tolerance in
      let (x, weight) = (random([rows, inputs], dtype), random([2 * outputs, inputs], dtype))
      let bias = random([2 * outputs], dtype)
      let halves = x.to(.float64).linear(weight.to(.float64), bias.to(.float64)).chunked(2, dim: -1)
      let packed = try #require(PackedWeights(matrix: weight, bias: bias, gated: true))
      #expect(relativeError(packed.linear(x), halves[0] * halves[1].gelu()) < tolerance, "\(dtype)")
    }
  }

  @Test(arguments: [
    (1, 4, 8, 5, 7), (2, 32, 32, 5, 7), (1, 34, 50, 1, 1), (4, 48, 70, 9, 2), (2, 64, 96, 8, 8), (1, 100, 150, 23, 31),
  ])
  func aConvolutionOfAnySizeIsThePlainOne(batch: Int, inputs: Int, outputs: Int, height: Int, width: Int) throws {
    try Self.forEachType { dtype, tolerance in
      // In bfloat16 Winograd's algorithm, which computes the first of these, multiplies inputs that are rounded once more.
      for (kernel, stride, padding) in [(3, 1, 1), (3, 2, 1), (1, 1, 0), (3, 1, 0), (1, 2, 0)]
      where height >= kernel || padding > 0 {
        if width + 2 * padding < kernel { continue }
        let tolerance = dtype == .bfloat16 && (kernel, stride, padding) == (3, 1, 1) ? 6e-3 : tolerance
        let x = random([batch, inputs, height, width], dtype)
        let (weight, bias) = (random([outputs, inputs, kernel, kernel], dtype), random([outputs], dtype))
        let expected = x.to(.float64).conv2d(weight.to(.float64), bias.to(.float64), stride: stride, padding: padding)
        let term = random(expected.shape, dtype)
        let packed = try #require(PackedWeights(kernel: weight, bias: bias, stride: stride, padding: padding))
        let name: Comment = "\(dtype), kernel \(kernel), stride \(stride), padding \(padding)"
        #expect(relativeError(packed.conv2d(x), expected) < tolerance, name)
        #expect(
          relativeError(packed.conv2d(x.channelsLast(), adding: term), expected + term.to(.float64)) < tolerance, name)
      }
    }
  }

  @Test(arguments: [(2, 96, 32, 8, 8), (3, 60, 12, 5, 3), (1, 320, 32, 1, 1), (4, 16, 4, 3, 9)])
  func normalizationAndActivationAreThePlainOnes(batch: Int, channels: Int, groups: Int, height: Int, width: Int) {
    Self.forEachType { dtype, tolerance in
      // Far from zero: what is left of squares of large numbers would have no digits.
      let x = (random([batch, channels, height, width]) + 100).to(dtype)
      let (weight, bias, shift) = (
        random([channels], dtype), random([channels], dtype), random([batch, channels], dtype)
      )
      for shift in [nil, shift] {
        let shifted = shift.map { x.to(.float64) + $0.to(.float64).unsqueezed(2).unsqueezed(3) } ?? x.to(.float64)
        let expected = shifted.groupNorm(groups, weight.to(.float64), bias.to(.float64), eps: 1e-5)
        for activates in [false, true] {
          let y = x.groupNormAtOnce(groups, weight, bias, eps: 1e-5, shift: shift, activates: activates)
          #expect(relativeError(y, activates ? expected.silu() : expected) < tolerance, "\(dtype) \(activates)")
        }
      }
    }
  }

  @Test(arguments: [(2, 64, 64, 3, 32), (1, 7, 5, 2, 6), (4, 35, 19, 3, 40), (2, 130, 77, 2, 48), (1, 1, 1, 1, 16)])
  func attentionIsThePlainOne(batch: Int, queries: Int, keys: Int, heads: Int, size: Int) throws {
    try Self.forEachType { dtype, _ in
      let (q, k) = (random([batch, queries, heads * size], dtype), random([batch, keys, heads * size], dtype))
      let v = random([batch, keys, heads * size], dtype)
      let mask =
        Tensor.arange(0, Double(batch * keys)).reshaped([batch, 1, 1, keys]) .< Double(batch * keys - keys / 2)
      let scale = 1 / Double(size).squareRoot()
      func split(_ x: Tensor) -> Tensor { x.to(.float64).reshaped([batch, -1, heads, size]).transposed(1, 2) }
      for mask in [nil, mask] {
        let expected = Tensor.attention(split(q), split(k), split(v), mask: mask, scale: scale)
          .transposed(1, 2).reshaped(q.shape)
        let actual = try #require(Tensor.attentionAtOnce(q, k, v, heads: heads, mask: mask, scale: scale))
        #expect(relativeError(actual, expected) < (dtype == .float32 ? 2e-6 : 6e-3), "\(dtype)")
      }
    }
  }

  /// In a process of its own: the number of threads is the process's, and other tests compare sums to the bit.
  @Test func aResultDependsNeitherOnThreadsNorOnTheOtherImages() async {
    await #expect(processExitsWith: .success) {
      let suite = PackedWeightsTests()
      Self.forEachType { dtype, _ in
        let x = suite.random([4, 64, 12, 10], dtype).channelsLast()
        let kernel = suite.random([96, 64, 3, 3], dtype)
        guard let packed = PackedWeights(kernel: kernel, bias: nil, stride: 1, padding: 1) else {
          fatalError("a kernel was not packed")
        }
        let (weight, bias) = (suite.random([64], dtype), suite.random([64], dtype))
        func bytes(_ x: Tensor, threads: Int) -> [UInt8] {
          Libtorch.threads = threads
          let normalized = x.groupNormAtOnce(32, weight, bias, eps: 1e-5, activates: true)
          return packed.conv2d(normalized).contiguous().bytes()
        }
        let all = bytes(x, threads: 1)
        precondition(bytes(x, threads: 2) == all, "\(dtype)")
        let third = Array(all[all.count / 2..<all.count * 3 / 4])
        precondition(bytes(x.narrowed(0, 2, 1), threads: 1) == third, "\(dtype)")
      }
    }
  }

  @Test func whatIsNotCoveredIsNotPacked() {
    #expect(PackedWeights(matrix: random([8, 7], .bfloat16), bias: nil) == nil)  // bfloat16 is multiplied in pairs
    #expect(PackedWeights(matrix: random([8, 8], .float64), bias: nil) == nil)
    #expect(PackedWeights(matrix: random([7, 8]), bias: nil, gated: true) == nil)
    let trained = random([8, 8])
    trained.requiresGrad = true
    #expect(PackedWeights(matrix: trained, bias: nil) == nil)
    let long = random([1, 1025, 16])
    #expect(Tensor.attentionAtOnce(long, long, long, heads: 1, scale: 1) == nil)
  }

  @Test(arguments: [(16, 32), (20, 30), (7, 32), (96, 96), (33, 34)])
  func bytesAreKnownBeforeWeightsArePacked(outputs: Int, inputs: Int) {
    Self.forEachType { dtype, _ in
      let matrix = random([outputs, inputs], dtype)
      for gated in [false, true] {
        #expect(
          PackedWeights.bytes(matrix: matrix.shape, dtype, gated: gated)
            == PackedWeights(matrix: matrix, bias: nil, gated: gated)?.bytes, "\(dtype), gated: \(gated)")
      }
      for (size, stride, padding) in [(3, 1, 1), (3, 2, 1), (3, 1, 0), (1, 1, 0), (5, 1, 2)] {
        let kernel = random([outputs, inputs, size, size], dtype)
        #expect(
          PackedWeights.bytes(kernel: kernel.shape, dtype, stride: stride, padding: padding)
            == PackedWeights(kernel: kernel, bias: nil, stride: stride, padding: padding)?.bytes, "\(dtype), \(size)")
      }
    }
    #expect(
      PackedWeights.bytes(matrix: [8, 7], .bfloat16) == nil && PackedWeights.bytes(matrix: [8, 8], .float64) == nil)
  }

  @Test func aPackedParameterTakesNoMemoryAndIsNaN() throws {
    let weight = random([40, 30])
    weight.setPacked_(try #require(PackedWeights(matrix: weight, bias: nil)))
    #expect(weight.shape == [40, 30] && weight.dtype == .float32)
    #expect(weight.sum().item().isNaN)
    #expect(weight.packed?.bytes == 4 * (48 * 30 + 48))
    weight.setData_(random([40, 30]))
    #expect(weight.packed == nil && weight.allFinite)
  }
}
