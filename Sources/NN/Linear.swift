import Support
import Torch

/// `y = x · Wᵀ + b` over the last dimension.
public final class Linear: Module {
  /// The matrix `W`, `[out, in]`.
  public let weight: Tensor
  /// The vector `b`, `[out]`, or nil.
  public let bias: Tensor?

  /// A layer with uniform initial values in ±1/√in, or zeros where `initial` is empty.
  public init(in inputs: Int, out outputs: Int, bias: Bool = true, _ initial: Initializer) {
    weight = initial.uniform([outputs, inputs], fanIn: inputs)
    self.bias = bias ? initial.uniform([outputs], fanIn: inputs) : nil
  }

  /// `[…, in]` to `[…, out]`.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    LayerProbe.passing(weight.packed?.linear(x) ?? x.linear(weight.values, bias), weight: weight, of: self)
  }

  /// The output plus a `term` of its shape.
  public func callAsFunction(_ x: Tensor, adding term: Tensor) -> Tensor {
    guard let packed = weight.packed else { return term + self(x) }
    return LayerProbe.passing(packed.linear(x, adding: term), weight: weight, of: self)
  }

  /// Sets all weights to zero, so that a residual branch that ends here adds nothing at first.
  public func zeroed() -> Linear {
    weight.fill_(0)
    bias?.fill_(0)
    return self
  }
}

/// A table of vectors, one for each integer id.
public final class Embedding: Module {
  /// One row for each id, `[count, width]`.
  public let weight: Tensor

  /// A table with normal initial values of standard deviation `std`, or zeros where `initial` is empty.
  public init(count: Int, width: Int, std: Double = 0.02, _ initial: Initializer) {
    weight = initial.normal([count, width], std: std)
  }

  /// int64 ids of any shape to `[…, width]`.
  public func callAsFunction(_ ids: Tensor) -> Tensor {
    let rows = weight.compact?.rows(ids, as: weight.dtype) ?? Tensor.embedding(weight, ids)
    return LayerProbe.passing(rows, weight: weight, of: self)
  }
}

/// Element-wise non-linearities, named as in the configurations of diffusers and transformers.
public enum Activation: String, ConfigurationChoice {
  /// `x · sigmoid(x)`, exact `gelu` (with erf) or `max(x, 0)`.
  case silu, gelu, relu
  /// `x · sigmoid(1.702 x)`, the approximation of `gelu` in OpenAI's CLIP (Hendrycks & Gimpel 2016).
  case quickGelu = "quick_gelu"

  /// Applies the function to every element.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    switch self {
    case .silu: x.silu()
    case .gelu: x.gelu()
    case .relu: x.relu()
    case .quickGelu: x * (1.702 * x).sigmoid()
    }
  }
}
