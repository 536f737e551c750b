import CTorch

// Element by element, with broadcasting.

extension Tensor {
  public static func + (a: Tensor, b: Tensor) -> Tensor { Tensor(ct_add(a.handle, b.handle)) }
  public static func - (a: Tensor, b: Tensor) -> Tensor { Tensor(ct_sub(a.handle, b.handle)) }
  public static func * (a: Tensor, b: Tensor) -> Tensor { Tensor(ct_mul(a.handle, b.handle)) }
  public static func / (a: Tensor, b: Tensor) -> Tensor { Tensor(ct_div(a.handle, b.handle)) }

  public static func + (a: Tensor, b: Double) -> Tensor { Tensor(ct_add_scalar(a.handle, b)) }
  public static func - (a: Tensor, b: Double) -> Tensor { Tensor(ct_sub_scalar(a.handle, b)) }
  public static func * (a: Tensor, b: Double) -> Tensor { Tensor(ct_mul_scalar(a.handle, b)) }
  public static func / (a: Tensor, b: Double) -> Tensor { Tensor(ct_div_scalar(a.handle, b)) }

  public static func + (a: Double, b: Tensor) -> Tensor { b + a }
  public static func - (a: Double, b: Tensor) -> Tensor { -b + a }
  public static func * (a: Double, b: Tensor) -> Tensor { b * a }
  public static func / (a: Double, b: Tensor) -> Tensor { Tensor(ct_reciprocal(b.handle)) * a }

  public static prefix func - (a: Tensor) -> Tensor { Tensor(ct_neg(a.handle)) }

  public static func .< (a: Tensor, b: Double) -> Tensor { Tensor(ct_lt_scalar(a.handle, b)) }
  public static func .<= (a: Tensor, b: Double) -> Tensor { Tensor(ct_le_scalar(a.handle, b)) }
  public static func .> (a: Tensor, b: Double) -> Tensor { Tensor(ct_gt_scalar(a.handle, b)) }
  public static func .>= (a: Tensor, b: Double) -> Tensor { Tensor(ct_ge_scalar(a.handle, b)) }
  public static func .== (a: Tensor, b: Double) -> Tensor { Tensor(ct_eq_scalar(a.handle, b)) }
  public static func .== (a: Tensor, b: Tensor) -> Tensor { Tensor(ct_eq(a.handle, b.handle)) }

  public func abs() -> Tensor { Tensor(ct_abs(handle)) }
  public func exp() -> Tensor { Tensor(ct_exp(handle)) }
  public func log() -> Tensor { Tensor(ct_log(handle)) }
  public func sqrt() -> Tensor { Tensor(ct_sqrt(handle)) }
  public func rsqrt() -> Tensor { Tensor(ct_rsqrt(handle)) }
  public func square() -> Tensor { Tensor(ct_square(handle)) }
  public func sin() -> Tensor { Tensor(ct_sin(handle)) }
  public func cos() -> Tensor { Tensor(ct_cos(handle)) }
  public func tanh() -> Tensor { Tensor(ct_tanh(handle)) }
  public func sigmoid() -> Tensor { Tensor(ct_sigmoid(handle)) }
  public func silu() -> Tensor { Tensor(ct_silu(handle)) }
  public func relu() -> Tensor { Tensor(ct_relu(handle)) }
  public func sign() -> Tensor { Tensor(ct_sign(handle)) }
  public func floor() -> Tensor { Tensor(ct_floor(handle)) }
  public func rounded() -> Tensor { Tensor(ct_round(handle)) }
  public func isFinite() -> Tensor { Tensor(ct_isfinite(handle)) }
  /// 1 where a number is not finite, else 0, float32 on its device.
  public var nonFiniteFlag: Tensor { isFinite().not().to(.float32) }
  /// Logical not of a boolean tensor.
  public func not() -> Tensor { Tensor(ct_logical_not(handle)) }
  public func pow(_ exponent: Double) -> Tensor { Tensor(ct_pow_scalar(handle, exponent)) }

  /// Gaussian error linear unit, exact (with erf) unless the tanh approximation is asked for.
  public func gelu(tanhApproximation: Bool = false) -> Tensor { Tensor(ct_gelu(handle, tanhApproximation)) }

  public func clamped(to range: ClosedRange<Double>) -> Tensor {
    Tensor(ct_clamp(handle, range.lowerBound, range.upperBound))
  }
  public func maximum(_ other: Double) -> Tensor { Tensor(ct_maximum_scalar(handle, other)) }
  public func maximum(_ other: Tensor) -> Tensor { Tensor(ct_maximum(handle, other.handle)) }
  public func minimum(_ other: Double) -> Tensor { Tensor(ct_minimum_scalar(handle, other)) }
  public func minimum(_ other: Tensor) -> Tensor { Tensor(ct_minimum(handle, other.handle)) }

  /// `self + weight · (other − self)`.
  public func lerp(_ other: Tensor, _ weight: Double) -> Tensor {
    Tensor(ct_lerp(handle, other.handle, weight))
  }

  /// `value` wherever the boolean mask is true.
  public func maskedFill(_ mask: Tensor, _ value: Double) -> Tensor {
    Tensor(ct_masked_fill(handle, mask.handle, value))
  }

  /// `a` where the condition holds, else `b`.
  public static func `where`(_ condition: Tensor, _ a: Tensor, _ b: Tensor) -> Tensor {
    Tensor(ct_where(condition.handle, a.handle, b.handle))
  }
}
