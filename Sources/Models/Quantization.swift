import Torch

/// The data type of stored weights.
public enum Quantization: String, Codable, Sendable, CaseIterable {
  /// 4 bytes per weight, exact.
  case float32
  /// 2 bytes per weight, 8 significant bits.
  case bfloat16
  /// 1 byte per weight and a float32 scale per output channel, for matrices and kernels; vectors stay float32.
  case int8

  private static let scaleSuffix = "_scale"

  /// The tensors that store one parameter.
  func stored(_ key: String, _ tensor: Tensor) -> [(key: String, tensor: Tensor)] {
    let value = withNoGrad { tensor.detached().to(.cpu).contiguous() }
    guard value.dtype == .float32, value.rank >= 2 else { return [(key, value)] }
    switch self {
    case .float32: return [(key, value)]
    case .bfloat16: return [(key, value.to(.bfloat16))]
    case .int8:
      let rows = value.reshaped([value.shape[0], -1])
      let scale = (rows.abs().max([1], keepDims: true) / 127).maximum(1e-12)  // [out, 1]
      let whole = (rows / scale).rounded().clamped(to: -127...127).to(.int8)
      return [(key, whole.reshaped(value.shape)), (key + Self.scaleSuffix, scale.squeezed(1))]
    }
  }

  /// A parameter as float32; throws if its type is not supported for weights.
  static func read(_ key: String, _ shape: [Int], from set: any WeightSource) throws(CheckpointError) -> Tensor {
    func wrong(_ key: String, _ value: Tensor, _ expected: String) -> CheckpointError {
      .type(file: set.path, key: key, expected: expected, actual: value.dtype.rawValue)
    }
    let value = try set.tensor(key, shape: shape)
    if value.dtype.isFloatingPoint { return value.to(.float32) }
    guard value.dtype == .int8, let rows = shape.first else {
      throw wrong(key, value, "a floating-point type, or int8 with a scale for each row")
    }
    let scale = try set.tensor(key + scaleSuffix, shape: [rows])
    guard scale.dtype.isFloatingPoint else { throw wrong(key + scaleSuffix, scale, "a floating-point type") }
    return value.to(.float32) * scale.reshaped([rows] + shape.dropFirst().map { _ in 1 })
  }

  /// Whether a key is that of the scales of another tensor of the set.
  public static func isScale(_ key: String, in set: any WeightSource) -> Bool {
    key.hasSuffix(scaleSuffix) && set.info(quantizedKey(key))?.dtype == .int8
  }

  /// The parameter of a stored key, without the suffix of scales.
  static func quantizedKey(_ key: String) -> String {
    key.hasSuffix(scaleSuffix) ? String(key.dropLast(scaleSuffix.count)) : key
  }
}
