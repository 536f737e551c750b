import CTorch

/// The element type of a tensor.
public enum DType: String, Sendable, Codable, CaseIterable {
  /// PyTorch's element type of the same name.
  case float32, float64, float16, bfloat16, int64, int32, int16, int8, uint8, bool

  /// Bytes of one element.
  public var size: Int {
    switch self {
    case .float64, .int64: 8
    case .float32, .int32: 4
    case .float16, .bfloat16, .int16: 2
    case .int8, .uint8, .bool: 1
    }
  }

  /// Whether elements are floating-point numbers.
  public var isFloatingPoint: Bool {
    switch self {
    case .float32, .float64, .float16, .bfloat16: true
    default: false
    }
  }

  var code: CTType {
    switch self {
    case .float32: CT_F32
    case .float64: CT_F64
    case .float16: CT_F16
    case .bfloat16: CT_BF16
    case .int64: CT_I64
    case .int32: CT_I32
    case .int16: CT_I16
    case .int8: CT_I8
    case .uint8: CT_U8
    case .bool: CT_BOOL
    }
  }

  init(code: CTType) {
    switch code {
    case CT_F32: self = .float32
    case CT_F64: self = .float64
    case CT_F16: self = .float16
    case CT_BF16: self = .bfloat16
    case CT_I64: self = .int64
    case CT_I32: self = .int32
    case CT_I16: self = .int16
    case CT_I8: self = .int8
    case CT_U8: self = .uint8
    default: self = .bool
    }
  }
}

/// A Swift number type that tensors can be created from and read into.
public protocol TensorElement: BitwiseCopyable {
  /// The element type of tensors that hold such numbers.
  static var dtype: DType { get }
}

extension Float: TensorElement { public static var dtype: DType { .float32 } }
extension Double: TensorElement { public static var dtype: DType { .float64 } }
extension Int64: TensorElement { public static var dtype: DType { .int64 } }
extension Int32: TensorElement { public static var dtype: DType { .int32 } }
extension UInt8: TensorElement { public static var dtype: DType { .uint8 } }
extension Bool: TensorElement { public static var dtype: DType { .bool } }
