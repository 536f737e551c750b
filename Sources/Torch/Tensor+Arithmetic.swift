import CTorch

// Element by element, with broadcasting.

extension Tensor {
  /// Sum of elements, with broadcasting.
  public static func + (a: Tensor, b: Tensor) -> Tensor { Tensor(ct_add(a.handle, b.handle)) }
  /// Difference of elements, with broadcasting.
  public static func - (a: Tensor, b: Tensor) -> Tensor { Tensor(ct_sub(a.handle, b.handle)) }
  /// Product of elements, with broadcasting; `matmul` is the matrix product.
  public static func * (a: Tensor, b: Tensor) -> Tensor { Tensor(ct_mul(a.handle, b.handle)) }
  /// Quotient of elements, with broadcasting; floating-point, also for integers.
  public static func / (a: Tensor, b: Tensor) -> Tensor { Tensor(ct_div(a.handle, b.handle)) }

  /// Every element plus `b`.
  public static func + (a: Tensor, b: Double) -> Tensor { Tensor(ct_add_scalar(a.handle, b)) }
  /// Every element minus `b`.
  public static func - (a: Tensor, b: Double) -> Tensor { Tensor(ct_sub_scalar(a.handle, b)) }
  /// Every element times `b`.
  public static func * (a: Tensor, b: Double) -> Tensor { Tensor(ct_mul_scalar(a.handle, b)) }
  /// Every element divided by `b`; floating-point, also for integers.
  public static func / (a: Tensor, b: Double) -> Tensor { Tensor(ct_div_scalar(a.handle, b)) }

  /// Every element plus `a`.
  public static func + (a: Double, b: Tensor) -> Tensor { b + a }
  /// `a` minus every element.
  public static func - (a: Double, b: Tensor) -> Tensor { -b + a }
  /// Every element times `a`.
  public static func * (a: Double, b: Tensor) -> Tensor { b * a }
  /// `a` divided by every element; floating-point, also for integers.
  public static func / (a: Double, b: Tensor) -> Tensor { Tensor(ct_reciprocal(b.handle)) * a }

  /// Every element with the opposite sign.
  public static prefix func - (a: Tensor) -> Tensor { Tensor(ct_neg(a.handle)) }

  /// True where an element is less than `b`.
  public static func .< (a: Tensor, b: Double) -> Tensor { Tensor(ct_lt_scalar(a.handle, b)) }
  /// True where an element is at most `b`.
  public static func .<= (a: Tensor, b: Double) -> Tensor { Tensor(ct_le_scalar(a.handle, b)) }
  /// True where an element is greater than `b`.
  public static func .> (a: Tensor, b: Double) -> Tensor { Tensor(ct_gt_scalar(a.handle, b)) }
  /// True where an element is at least `b`.
  public static func .>= (a: Tensor, b: Double) -> Tensor { Tensor(ct_ge_scalar(a.handle, b)) }
  /// True where an element equals `b`.
  public static func .== (a: Tensor, b: Double) -> Tensor { Tensor(ct_eq_scalar(a.handle, b)) }
  /// True where the elements are equal, with broadcasting.
  public static func .== (a: Tensor, b: Tensor) -> Tensor { Tensor(ct_eq(a.handle, b.handle)) }

  /// Absolute value of every element.
  public func abs() -> Tensor { Tensor(ct_abs(handle)) }
  /// `eˣ` of every element.
  public func exp() -> Tensor { Tensor(ct_exp(handle)) }
  /// Natural logarithm of every element; NaN below 0.
  public func log() -> Tensor { Tensor(ct_log(handle)) }
  /// Square root of every element; NaN below 0.
  public func sqrt() -> Tensor { Tensor(ct_sqrt(handle)) }
  /// `1 / √x` of every element; NaN below 0.
  public func rsqrt() -> Tensor { Tensor(ct_rsqrt(handle)) }
  /// `x²` of every element.
  public func square() -> Tensor { Tensor(ct_square(handle)) }
  /// Sine of every element, in radians.
  public func sin() -> Tensor { Tensor(ct_sin(handle)) }
  /// Cosine of every element, in radians.
  public func cos() -> Tensor { Tensor(ct_cos(handle)) }
  /// Hyperbolic tangent of every element.
  public func tanh() -> Tensor { Tensor(ct_tanh(handle)) }
  /// `1 / (1 + e⁻ˣ)` of every element.
  public func sigmoid() -> Tensor { Tensor(ct_sigmoid(handle)) }
  /// `x · sigmoid(x)` of every element, also known as swish.
  public func silu() -> Tensor { Tensor(ct_silu(handle)) }
  /// `max(x, 0)` of every element.
  public func relu() -> Tensor { Tensor(ct_relu(handle)) }
  /// −1, 0 or 1, the sign of every element.
  public func sign() -> Tensor { Tensor(ct_sign(handle)) }
  /// The greatest whole number that is not above each element.
  public func floor() -> Tensor { Tensor(ct_floor(handle)) }
  /// The nearest whole number to each element; halves to the even one.
  public func rounded() -> Tensor { Tensor(ct_round(handle)) }
  /// True where an element is neither infinite nor NaN.
  public func isFinite() -> Tensor { Tensor(ct_isfinite(handle)) }
  /// 1 where a number is not finite, else 0, float32 on its device.
  public var nonFiniteFlag: Tensor { isFinite().not().to(.float32) }
  /// Logical not of a boolean tensor.
  public func not() -> Tensor { Tensor(ct_logical_not(handle)) }
  /// Every element to the power of `exponent`.
  public func pow(_ exponent: Double) -> Tensor { Tensor(ct_pow_scalar(handle, exponent)) }

  /// Gaussian error linear unit, exact (with erf) unless the tanh approximation is selected.
  public func gelu(tanhApproximation: Bool = false) -> Tensor { Tensor(ct_gelu(handle, tanhApproximation)) }

  /// Every element limited to `range`; NaN stays NaN.
  public func clamped(to range: ClosedRange<Double>) -> Tensor {
    Tensor(ct_clamp(handle, range.lowerBound, range.upperBound))
  }
  /// The greater of each element and `other`.
  public func maximum(_ other: Double) -> Tensor { Tensor(ct_maximum_scalar(handle, other)) }
  /// The greater of two elements, with broadcasting.
  public func maximum(_ other: Tensor) -> Tensor { Tensor(ct_maximum(handle, other.handle)) }
  /// The lesser of each element and `other`.
  public func minimum(_ other: Double) -> Tensor { Tensor(ct_minimum_scalar(handle, other)) }
  /// The lesser of two elements, with broadcasting.
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
