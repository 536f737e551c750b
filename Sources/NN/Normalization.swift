import Torch

/// Normalization over groups of channels (Wu & He 2018).
public final class GroupNorm: Module {
  /// Scale of every channel, `[channels]`, initially 1.
  public let weight: Tensor
  /// Offset of every channel, `[channels]`, initially 0.
  public let bias: Tensor
  let groups: Int
  let eps: Double
  /// Whether the layer only draws, on a CPU that normalizes and activates at once.
  var isPrepared = false

  /// A layer that adds `eps` to variances; traps unless `channels` is a multiple of `groups`.
  public init(groups: Int, channels: Int, eps: Double = 1e-5) {
    guard channels % groups == 0 else {
      fatalError("width \(channels) is not a multiple of \(groups) groups")
    }
    weight = Tensor.ones([channels])
    bias = Tensor.zeros([channels])
    self.groups = groups
    self.eps = eps
  }

  /// Normalizes each group of channels of each image of `[B, channels, …]` to mean 0 and variance 1, then scales.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    LayerProbe.passing(x.groupNorm(groups, weight, bias, eps: eps), weight: weight, of: self)
  }

  /// The activation of the normalized `x + shift`, of `[B, channels, H, W]` and a shift of `[B, channels]`.
  public func callAsFunction(_ x: Tensor, shift: Tensor? = nil, then activation: Activation?) -> Tensor {
    guard x.device == .cpu, isPrepared || x.trainsFused else {
      let y = self(shift.map { x + $0.unsqueezed(2).unsqueezed(3) } ?? x)
      return activation?(y) ?? y
    }
    let y = LayerProbe.passing(
      x.groupNormAtOnce(groups, weight, bias, eps: eps, shift: shift, activates: activation == .silu), weight: weight,
      of: self)
    return activation == .silu ? y : activation?(y) ?? y
  }
}

/// Normalization over the last dimension (Ba et al., 2016).
public final class LayerNorm: Module {
  /// Scale of every element of the last dimension, `[width]`, initially 1.
  public let weight: Tensor
  /// Offset of every element of the last dimension, `[width]`, initially 0.
  public let bias: Tensor
  let eps: Double

  /// A layer over `width` elements that adds `eps` to variances.
  public init(_ width: Int, eps: Double = 1e-5) {
    weight = Tensor.ones([width])
    bias = Tensor.zeros([width])
    self.eps = eps
  }

  /// Normalizes each vector of `[…, width]` to mean 0 and variance 1, then scales.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    LayerProbe.passing(x.layerNorm(weight, bias, eps: eps), weight: weight, of: self)
  }
}
