import Torch

/// `y = x · Wᵀ + b` over the last dimension.
public final class Linear: Module {
  public let weight: Tensor  // [out, in]
  public let bias: Tensor?  // [out]

  public init(in inputs: Int, out outputs: Int, bias: Bool = true, _ initial: Initializer) {
    weight = initial.uniform([outputs, inputs], fanIn: inputs)
    self.bias = bias ? initial.uniform([outputs], fanIn: inputs) : nil
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    LayerProbe.passing(x.linear(weight, bias), weight: weight, of: self)
  }

  /// Starts at zero, so that a residual branch ending here is silent at first.
  public func zeroed() -> Linear {
    weight.fill_(0)
    bias?.fill_(0)
    return self
  }
}
