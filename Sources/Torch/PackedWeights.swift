import CTorch

/// Weights of one layer of a network that only draws, in the order in which matrix products on a CPU read them.
///
/// They compute what the layer computes, up to the order of sums, without gradients, on processors with AVX-512 or AVX2. A
/// result does not depend on the number of threads.
public final class PackedWeights {
  private let handle: OpaquePointer

  /// Packs `[out, in]` or `[out, in, 1, 1]` on the CPU; nil for sizes, types and processors that are not covered.
  ///
  /// With `gated` the second half of the rows gates the first, as in GEGLU, and the layer has half as many outputs.
  public init?(matrix weight: Tensor, bias: Tensor?, gated: Bool = false) {
    guard Self.covers(weight), let handle = ci_pack_matrix(weight.handle, bias?.handle, gated) else { return nil }
    self.handle = handle
  }

  /// Packs matrices `[out, in]` of layers without bias that read the same rows; the outputs of each follow those before.
  ///
  /// Nil if they have different types or numbers of inputs, or are not covered.
  public convenience init?(matrices: [Tensor]) {
    guard let first = matrices.first, matrices.allSatisfy(Self.covers),
      matrices.allSatisfy({ $0.rank == 2 && $0.shape[1] == first.shape[1] && $0.dtype == first.dtype })
    else { return nil }
    self.init(matrix: Tensor.cat(matrices, dim: 0), bias: nil)
  }

  /// Packs the filters `[out, in, k, k]` of a convolution; nil for sizes, types and processors that are not covered.
  public init?(kernel weight: Tensor, bias: Tensor?, stride: Int, padding: Int) {
    guard Self.covers(weight),
      let handle = ci_pack_kernel(weight.handle, bias?.handle, Int64(stride), Int64(padding))
    else { return nil }
    self.handle = handle
  }

  deinit { ci_free(handle) }

  /// Whether this processor computes with packed weights of a type: AVX2, for bfloat16 AVX512-BF16.
  public static func isSupported(_ dtype: DType) -> Bool {
    (dtype == .float32 || dtype == .bfloat16) && ci_supports(dtype.code)
  }

  /// Whether 3×3 convolutions with packed weights of a type use Winograd's algorithm: in bfloat16 not where there is AMX.
  public static func usesWinograd(_ dtype: DType) -> Bool { isSupported(dtype) && ci_uses_winograd(dtype.code) }

  /// Whether float32 is computed with AVX-512 in the calling thread, and not with AVX2.
  package static var usesAVX512: Bool { ci_uses_avx512() }

  /// Runs `body` with kernels for AVX2 in float32, also where there is AVX-512.
  package static func withAVX2<Result>(_ body: () throws -> Result) rethrows -> Result {
    ci_prefer_avx2(true)
    defer { ci_prefer_avx2(false) }
    return try body()
  }

  private static func covers(_ weight: Tensor) -> Bool {
    weight.device == .cpu && weight.compact == nil && weight.packed == nil && !weight.requiresGrad
      && isSupported(weight.dtype)
  }

  /// Bytes in memory.
  public var bytes: Int { Int(ci_bytes(handle)) }

  /// Bytes that a matrix of a shape takes once it is packed as by `init(matrix:bias:gated:)`; nil where it is not packed.
  public static func bytes(matrix shape: [Int], _ dtype: DType, gated: Bool = false) -> Int? {
    guard let rows = shape.first, isSupported(dtype) else { return nil }
    let bytes = ci_matrix_bytes(dtype.code, Int64(rows), Int64(shape.dropFirst().reduce(1, *)), gated)
    return bytes > 0 ? Int(bytes) : nil
  }

  /// Bytes that filters of a shape take once they are packed as by `init(kernel:bias:stride:padding:)`; nil where they are
  /// not packed.
  public static func bytes(kernel shape: [Int], _ dtype: DType, stride: Int, padding: Int) -> Int? {
    guard shape.count == 4, shape[2] == shape[3], isSupported(dtype) else { return nil }
    let bytes = ci_kernel_bytes(
      dtype.code, Int64(shape[0]), Int64(shape[1]), Int64(shape[2]), Int64(stride), Int64(padding))
    return bytes > 0 ? Int(bytes) : nil
  }

  /// The linear layer of `[…, in]`, plus `term` of the result's shape; gated weights add none.
  public func linear(_ x: Tensor, adding term: Tensor? = nil) -> Tensor {
    Tensor(ci_linear(x.handle, handle, term?.handle))
  }

  /// The convolution of `[B, in, H, W]`, plus `term` of the result's shape; fastest in channels-last layout, which it returns.
  public func conv2d(_ x: Tensor, adding term: Tensor? = nil) -> Tensor {
    Tensor(ci_conv2d(x.handle, handle, term?.handle))
  }
}

extension Tensor {
  /// Holds packed weights from now on.
  ///
  /// The tensor keeps its type and shape. Its own elements take no memory and are NaN, so that a computation with them shows.
  public func setPacked_(_ weights: PackedWeights) {
    release_()
    packed = weights
  }
}
