import CTorch

extension Tensor {
  /// The same elements in another shape; one size may be -1.
  public func reshaped(_ shape: [Int]) -> Tensor { Tensor(withInts(shape) { ct_reshape(handle, $0, $1) }) }

  /// Size-1 dimensions repeated without copying.
  public func expanded(_ shape: [Int]) -> Tensor { Tensor(withInts(shape) { ct_expand(handle, $0, $1) }) }

  /// Dimensions in another order.
  public func permuted(_ dims: [Int]) -> Tensor { Tensor(withInts(dims) { ct_permute(handle, $0, $1) }) }

  /// Two dimensions swapped.
  public func transposed(_ a: Int, _ b: Int) -> Tensor { Tensor(ct_transpose(handle, Int64(a), Int64(b))) }

  /// With a new dimension of size 1.
  public func unsqueezed(_ dim: Int) -> Tensor { Tensor(ct_unsqueeze(handle, Int64(dim))) }

  /// Without a dimension of size 1.
  public func squeezed(_ dim: Int) -> Tensor { Tensor(ct_squeeze(handle, Int64(dim))) }

  /// Reversed along the given dimensions.
  public func flipped(_ dims: [Int]) -> Tensor { Tensor(withInts(dims) { ct_flip(handle, $0, $1) }) }

  /// Every slice along `dim` repeated `count` times in a row.
  public func repeatInterleaved(_ count: Int, dim: Int) -> Tensor {
    Tensor(ct_repeat_interleave(handle, Int64(count), Int64(dim)))
  }

  /// Elements `start ..< start + length` along a dimension, sharing storage.
  public func narrowed(_ dim: Int, _ start: Int, _ length: Int) -> Tensor {
    Tensor(ct_narrow(handle, Int64(dim), Int64(start), Int64(length)))
  }

  /// Every `step`-th slice of `range` along a dimension, sharing storage.
  public func sliced(_ dim: Int, _ range: Range<Int>, step: Int = 1) -> Tensor {
    Tensor(ct_slice(handle, Int64(dim), Int64(range.lowerBound), Int64(range.upperBound), Int64(step)))
  }

  /// One slice along a dimension, which is removed.
  public func selected(_ dim: Int, _ index: Int) -> Tensor {
    Tensor(ct_select(handle, Int64(dim), Int64(index)))
  }

  /// One element of the first dimension.
  public subscript(index: Int) -> Tensor { selected(0, index) }

  /// A range of the first dimension.
  public subscript(range: Range<Int>) -> Tensor { narrowed(0, range.lowerBound, range.count) }

  /// Equal parts along a dimension; traps if it does not divide evenly.
  public func chunked(_ parts: Int, dim: Int) -> [Tensor] {
    let size = shape[dim < 0 ? dim + rank : dim]
    guard size % parts == 0 else {
      fatalError("a dimension of \(size) does not split into \(parts) equal parts")
    }
    return (0..<parts).map { narrowed(dim, $0 * (size / parts), size / parts) }
  }

  /// Slices along a dimension selected by an int64 vector.
  public func indexed(_ dim: Int, _ index: Tensor) -> Tensor {
    Tensor(ct_index_select(handle, Int64(dim), index.handle))
  }

  /// Elements along a dimension selected by an int64 tensor of the same rank.
  public func gathered(_ dim: Int, _ index: Tensor) -> Tensor {
    Tensor(ct_gather(handle, Int64(dim), index.handle))
  }
}
