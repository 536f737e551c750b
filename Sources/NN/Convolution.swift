import Torch

/// Two-dimensional convolution of `[B, in, H, W]`.
public final class Conv2d: Module {
  /// Filters, `[out, in / groups, kernel, kernel]`.
  public let weight: Tensor
  /// Offset of every output channel, `[out]`, or nil.
  public let bias: Tensor?
  let stride: Int
  let padding: Int
  let groups: Int
  /// Whether the weights are never packed, since packed kernels may take 16/9 of their memory.
  public var savesMemory = false

  /// The default `padding` keeps the size at stride 1.
  public init(
    in inputs: Int, out outputs: Int, kernel: Int, stride: Int = 1, padding: Int? = nil, groups: Int = 1,
    bias: Bool = true, _ initial: Initializer
  ) {
    let fanIn = inputs / groups * kernel * kernel
    weight = initial.uniform([outputs, inputs / groups, kernel, kernel], fanIn: fanIn)
    self.bias = bias ? initial.uniform([outputs], fanIn: fanIn) : nil
    self.stride = stride
    self.padding = padding ?? kernel / 2
    self.groups = groups
  }

  /// `[B, in, H, W]` to `[B, out, H′, W′]` with `H′ = ⌊(H + 2 · padding − kernel) / stride⌋ + 1`.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    let y =
      weight.packed?.conv2d(x)
      ?? x.conv2d(weight.values, bias, stride: stride, padding: padding, groups: groups)
    return LayerProbe.passing(y, weight: weight, of: self)
  }

  /// The output plus a `term` of its shape.
  public func callAsFunction(_ x: Tensor, adding term: Tensor) -> Tensor {
    guard let packed = weight.packed else { return term + self(x) }
    return LayerProbe.passing(packed.conv2d(x, adding: term), weight: weight, of: self)
  }

  /// Sets all weights to zero, so that a residual branch that ends here adds nothing at first.
  public func zeroed() -> Conv2d {
    weight.fill_(0)
    bias?.fill_(0)
    return self
  }
}

/// Transposed convolution of `[B, in, H, W]`; only the pixel-space example enlarges with it.
public final class ConvTranspose2d: Module {
  /// Filters, `[in, out, kernel, kernel]`.
  public let weight: Tensor
  /// Offset of every output channel, `[out]`.
  public let bias: Tensor
  let stride: Int

  /// A layer without padding, which doubles the size if `kernel` and `stride` are 2.
  public init(in inputs: Int, out outputs: Int, kernel: Int, stride: Int, _ initial: Initializer) {
    let fanIn = outputs * kernel * kernel
    weight = initial.uniform([inputs, outputs, kernel, kernel], fanIn: fanIn)
    bias = initial.uniform([outputs], fanIn: fanIn)
    self.stride = stride
  }

  /// `[B, in, H, W]` to `[B, out, H′, W′]` with `H′ = (H − 1) · stride + kernel`.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    LayerProbe.passing(x.convTranspose2d(weight, bias, stride: stride), weight: weight, of: self)
  }
}
