import CTorch

/// A matrix or kernel in fewer bits than networks compute with, as files have it.
///
/// A layer widens it for each use, and lets the wide copy go: memory holds the compact form of all layers and the wide form
/// of one.
public struct CompactWeight {
  /// The compact form.
  public enum Form {
    /// Floating-point numbers of two bytes, of the weight's shape.
    case half(Tensor)
    /// int8 of the weight's shape, and a float32 factor for each row.
    case int8(Tensor, scale: Tensor)
    /// Numbers from −8 to 7 plus 8, and a float16 factor for each `groupSize` of a row: uint8 `[rows, width / 2]`, the
    /// first half of a group in the lower four bits and the second in the upper, and factors `[rows, width / groupSize]`.
    case int4(Tensor, scale: Tensor)
  }

  /// Weights of a row that share a factor in four bits.
  public static let groupSize = 32

  /// The compact form.
  public let form: Form
  /// The shape of the weight.
  public let shape: [Int]

  /// A weight of a shape in a compact form; traps where both do not fit.
  public init(_ form: Form, shape: [Int]) {
    let fits =
      switch form {
      case .half(let values), .int8(let values, _): values.shape == shape
      case .int4(let values, _): 2 * values.count == shape.reduce(1, *)
      }
    guard fits else { fatalError("a compact weight of another shape than \(shape)") }
    (self.form, self.shape) = (form, shape)
  }

  /// The weight in float32 or bfloat16, a new tensor.
  public func values(as dtype: DType) -> Tensor {
    switch form {
    case .half(let values): values.to(dtype)
    case .int8(let values, let scale): Tensor(ct_widen_int8(values.handle, scale.handle, dtype.code))
    case .int4(let values, let scale):
      withInts(shape) { Tensor(ct_widen_int4(values.handle, scale.handle, $0, $1, dtype.code)) }
    }
  }

  /// Rows of a matrix, `[…, width]` for int64 ids of any shape, in float32 or bfloat16.
  public func rows(_ ids: Tensor, as dtype: DType) -> Tensor {
    let flat = ids.reshaped([-1])
    let wanted = [flat.count] + shape.dropFirst()
    func gathered(_ table: Tensor) -> Tensor { Tensor.embedding(table, flat) }
    let form: Form =
      switch form {
      case .half(let values): .half(gathered(values))
      case .int8(let values, let scale): .int8(gathered(values), scale: gathered(scale.unsqueezed(1)).squeezed(1))
      case .int4(let values, let scale): .int4(gathered(values), scale: gathered(scale))
      }
    return CompactWeight(form, shape: wanted).values(as: dtype).reshaped(ids.shape + wanted.dropFirst())
  }

  /// Bytes in memory.
  public var bytes: Int {
    switch form {
    case .half(let values): 2 * values.count
    case .int8(let values, let scale): values.count + 4 * scale.count
    case .int4(let values, let scale): values.count + 2 * scale.count
    }
  }
}

extension Tensor {
  /// The numbers that a layer computes with: the widened ones of a compact weight, otherwise the tensor itself.
  public var values: Tensor { compact?.values(as: dtype) ?? self }

  /// Holds a compact weight from now on.
  ///
  /// The tensor keeps its type, to which layers widen the weight, and its shape. Its own elements take no memory and are
  /// NaN, so that a computation that forgets to widen shows. Traps if the shapes differ.
  public func setCompact_(_ weight: CompactWeight, widenedTo dtype: DType) {
    guard weight.shape == shape else { fatalError("a compact weight of \(weight.shape) for a tensor of \(shape)") }
    setData_(.unallocated(shape, dtype))
    compact = weight
  }

  /// Widens a compact weight for good, so that it can be changed.
  public func widen_() {
    if packed != nil { fatalError("weights that are packed for drawing cannot be changed") }
    guard let wide = compact?.values(as: dtype) else { return }
    setData_(wide)
  }

  /// Lets the elements go; the tensor keeps its shape and type, and is NaN until it gets others.
  public func release_() { setData_(.unallocated(shape, dtype)) }

  /// NaN of a shape that takes no memory and cannot be changed.
  public static func unallocated(_ shape: [Int], _ dtype: DType = .float32) -> Tensor {
    Tensor.full(shape.map { _ in 1 }, .nan).to(dtype).expanded(shape)
  }
}
