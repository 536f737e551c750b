import NN
import Torch

/// The data type of stored weights.
public enum Quantization: String, Codable, Sendable, CaseIterable {
  /// 4 bytes per weight, exact.
  case float32
  /// 2 bytes per weight, 8 significant bits.
  case bfloat16
  /// 1 byte per weight and a float32 scale per output channel, for matrices and kernels; vectors stay float32.
  case int8
  /// 4 bits per weight and a float16 scale for each 32 weights of an output channel; int8 where 32 does not divide them.
  case int4

  private static let scaleSuffix = "_scale"

  /// The tensors that store one parameter.
  func stored(_ key: String, _ tensor: Tensor) -> [(key: String, tensor: Tensor)] {
    let value = withNoGrad { tensor.values.detached().to(.cpu).contiguous() }
    guard value.dtype == .float32, value.rank >= 2 else { return [(key, value)] }
    switch self {
    case .float32: return [(key, value)]
    case .bfloat16, .int8, .int4:
      switch compact(value) {
      case .half(let values): return [(key, values)]
      case .int8(let values, let scale), .int4(let values, let scale):
        return [(key, values), (key + Self.scaleSuffix, scale)]
      }
    }
  }

  /// A float32 matrix or kernel in 16, 8 or 4 bits.
  private func compact(_ value: Tensor) -> CompactWeight.Form {
    if self == .bfloat16 { return .half(value.to(.bfloat16)) }
    let rows = value.reshaped([value.shape[0], -1])
    let group = CompactWeight.groupSize
    guard self == .int4, rows.shape[1].isMultiple(of: group) else {
      let scale = (rows.abs().max([1], keepDims: true) / 127).maximum(1e-12)  // [out, 1]
      let whole = (rows / scale).rounded().clamped(to: -127...127).to(.int8)
      return .int8(whole.reshaped(value.shape), scale: scale.squeezed(1))
    }
    let groups = value.reshaped([-1, group])
    // The number that is farthest from zero becomes −8, the end that has no counterpart.
    let (largest, extreme) = (groups.max([1], keepDims: true), groups.abs().max([1], keepDims: true))
    let signed = Tensor.where(largest .== extreme, extreme / -8, extreme / 8).clamped(to: -65504...65504)
    let scale = signed.to(.float16)  // [groups, 1]
    let divisor = scale.to(.float32)
    let whole = (groups / Tensor.where(divisor .== 0, .ones(divisor.shape), divisor)).rounded().clamped(to: -8...7) + 8
    let packed = whole.narrowed(1, 0, group / 2) + whole.narrowed(1, group / 2, group / 2) * 16
    return .int4(
      packed.to(.uint8).reshaped([value.shape[0], -1]), scale: scale.reshaped([value.shape[0], -1]))
  }

  /// How far the stored weights of a network are from its own: the root mean square of the difference, divided by that of
  /// the weights, over all matrices and kernels.
  public func relativeError(of network: any Module) -> Double {
    if self == .float32 { return 0 }
    return withInference {
      var (difference, total) = (0.0, 0.0)
      for (_, tensor) in network.parameters where tensor.rank >= 2 {
        let value = tensor.values.to(.float32).contiguous()
        let restored = CompactWeight(compact(value), shape: value.shape).values(as: .float32)
        difference += (restored - value).square().sum().item()
        total += value.square().sum().item()
      }
      return total > 0 ? (difference / total).squareRoot() : 0
    }
  }

  /// A parameter in a floating-point type; throws if its type is not supported for weights.
  static func read(
    _ key: String, _ shape: [Int], as dtype: DType = .float32, from set: any WeightSource
  ) throws(CheckpointError) -> Tensor {
    guard let layout = try layout(key, shape, in: set) else {
      return try set.withTensor(key, shape: shape) { (stored) throws(CheckpointError) in
        stored.dtype == dtype ? stored.clone() : stored.to(dtype)
      }
    }
    let scale = try scale(key, layout.scale, from: set)
    return try set.withTensor(key, shape: layout.values) { (values) throws(CheckpointError) in
      compact(values, scale, shape).values(as: .float32).to(dtype)
    }
  }

  /// A parameter of 8 or 4 bits as it is stored; nil if it is of floating-point numbers.
  ///
  /// Throws if its type is not supported for weights.
  static func readCompact(
    _ key: String, _ shape: [Int], from set: any WeightSource
  ) throws(CheckpointError) -> CompactWeight? {
    guard let layout = try layout(key, shape, in: set) else { return nil }
    let scale = try scale(key, layout.scale, from: set)
    return compact(try set.tensor(key, shape: layout.values), scale, shape)
  }

  /// Bytes that a parameter of 8 or 4 bits takes as it is stored; nil if it is of floating-point numbers.
  static func compactBytes(_ key: String, _ shape: [Int], in set: any WeightSource) -> Int? {
    guard let layout = try? layout(key, shape, in: set) else { return nil }
    let factor = set.info(key)?.dtype == .int8 ? DType.float32 : .float16
    return layout.values.reduce(1, *) + factor.size * layout.scale.reduce(1, *)
  }

  private static func scale(_ key: String, _ shape: [Int], from set: any WeightSource) throws(CheckpointError) -> Tensor
  {
    let scale = try set.tensor(key + scaleSuffix, shape: shape)
    guard scale.dtype.isFloatingPoint else {
      throw wrong(key + scaleSuffix, scale.dtype, in: set, expected: "a floating-point type")
    }
    return scale
  }

  private static func compact(_ values: Tensor, _ scale: Tensor, _ shape: [Int]) -> CompactWeight {
    values.dtype == .int8
      ? CompactWeight(.int8(values, scale: scale.to(.float32)), shape: shape)
      : CompactWeight(.int4(values, scale: scale.to(.float16)), shape: shape)
  }

  /// Throws if a parameter cannot be read: it is missing, or has another shape or type.
  static func check(_ key: String, _ shape: [Int], in set: any WeightSource) throws(CheckpointError) {
    guard let layout = try layout(key, shape, in: set) else { return try checkShape(key, shape, in: set) }
    try checkShape(key, layout.values, in: set)
    try checkShape(key + scaleSuffix, layout.scale, in: set)
  }

  private static func checkShape(_ key: String, _ shape: [Int], in set: any WeightSource) throws(CheckpointError) {
    guard let info = set.info(key) else { throw .missingKey(file: set.path, key: key) }
    // The source's own error names a type that Flux does not support.
    guard info.shape == shape, info.dtype != nil else {
      _ = try set.tensor(key, shape: shape)
      return
    }
  }

  /// The shapes of a compact parameter's tensors; nil if it is of floating-point numbers, or of none that Flux knows.
  private static func layout(
    _ key: String, _ shape: [Int], in set: any WeightSource
  ) throws(CheckpointError) -> (values: [Int], scale: [Int])? {
    guard let dtype = set.info(key)?.dtype, !dtype.isFloatingPoint else { return nil }
    let width = shape.dropFirst().reduce(1, *)
    if dtype == .int8, let rows = shape.first { return (shape, [rows]) }
    let group = CompactWeight.groupSize
    guard dtype == .uint8, shape.count >= 2, width.isMultiple(of: group) else {
      throw wrong(key, dtype, in: set, expected: "a floating-point type, or int8 or uint8 with scales")
    }
    return ([shape[0], width / 2], [shape[0], width / group])
  }

  private static func wrong(
    _ key: String, _ dtype: DType, in set: any WeightSource, expected: String
  ) -> CheckpointError {
    .type(file: set.path, key: key, expected: expected, actual: dtype.rawValue)
  }

  /// Whether a key is that of the scales of another tensor of the set.
  public static func isScale(_ key: String, in set: any WeightSource) -> Bool {
    key.hasSuffix(scaleSuffix) && [.int8, .uint8].contains(set.info(quantizedKey(key))?.dtype)
  }

  /// The parameter of a stored key, without the suffix of scales.
  static func quantizedKey(_ key: String) -> String {
    key.hasSuffix(scaleSuffix) ? String(key.dropLast(scaleSuffix.count)) : key
  }
}
