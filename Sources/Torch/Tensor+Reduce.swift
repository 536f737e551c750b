import CTorch

// Reductions; without dimensions they reduce all of them.

extension Tensor {
  /// Sum over some dimensions, or over all if none are given; `keepDims` keeps them with length 1.
  public func sum(_ dims: [Int] = [], keepDims: Bool = false) -> Tensor {
    Tensor(withInts(dims) { ct_sum(handle, $0, $1, keepDims) })
  }
  /// Mean over some dimensions, or over all if none are given; `keepDims` keeps them with length 1.
  public func mean(_ dims: [Int] = [], keepDims: Bool = false) -> Tensor {
    Tensor(withInts(dims) { ct_mean(handle, $0, $1, keepDims) })
  }
  /// Maximum over some dimensions, or over all if none are given; `keepDims` keeps them with length 1.
  public func max(_ dims: [Int] = [], keepDims: Bool = false) -> Tensor {
    Tensor(withInts(dims) { ct_amax(handle, $0, $1, keepDims) })
  }
  /// Minimum over some dimensions, or over all if none are given; `keepDims` keeps them with length 1.
  public func min(_ dims: [Int] = [], keepDims: Bool = false) -> Tensor {
    Tensor(withInts(dims) { ct_amin(handle, $0, $1, keepDims) })
  }

  /// Variance, divided by N − 1 unless `unbiased` is false.
  public func variance(_ dims: [Int] = [], unbiased: Bool = true, keepDims: Bool = false) -> Tensor {
    Tensor(withInts(dims) { ct_var(handle, $0, $1, unbiased, keepDims) })
  }

  /// Standard deviation, divided by N − 1 unless `unbiased` is false.
  public func std(_ dims: [Int] = [], unbiased: Bool = true, keepDims: Bool = false) -> Tensor {
    variance(dims, unbiased: unbiased, keepDims: keepDims).sqrt()
  }

  /// Index of the largest element along a dimension, int64.
  public func argmax(dim: Int) -> Tensor { Tensor(ct_argmax(handle, Int64(dim))) }

  /// Running product along a dimension.
  public func cumprod(dim: Int) -> Tensor { Tensor(ct_cumprod(handle, Int64(dim))) }

  /// The q-quantile (0…1) along a dimension, linear between elements.
  public func quantile(_ q: Double, dim: Int, keepDims: Bool = false) -> Tensor {
    Tensor(ct_quantile(handle, q, Int64(dim), keepDims))
  }

  /// Eigenvalues of a symmetric matrix, ascending.
  public func symmetricEigenvalues() -> Tensor { Tensor(ct_eigvalsh(handle)) }

  /// Whether every element is finite.
  public var allFinite: Bool { isFinite().to(.float32).min().item() == 1 }
}
