import Torch

/// Normalization over groups of channels (Wu & He 2018).
public final class GroupNorm: Module {
  public let weight: Tensor  // [channels]
  public let bias: Tensor  // [channels]
  let groups: Int
  let eps: Double

  public init(groups: Int, channels: Int, eps: Double = 1e-5) {
    guard channels % groups == 0 else {
      fatalError("width \(channels) is not a multiple of \(groups) groups")
    }
    weight = Tensor.ones([channels])
    bias = Tensor.zeros([channels])
    self.groups = groups
    self.eps = eps
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    LayerProbe.passing(x.groupNorm(groups, weight, bias, eps: eps), weight: weight, of: self)
  }
}

/// Normalization over the last dimension (Ba et al., 2016).
public final class LayerNorm: Module {
  public let weight: Tensor  // [width]
  public let bias: Tensor  // [width]
  let eps: Double

  public init(_ width: Int, eps: Double = 1e-5) {
    weight = Tensor.ones([width])
    bias = Tensor.zeros([width])
    self.eps = eps
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    LayerProbe.passing(x.layerNorm(weight, bias, eps: eps), weight: weight, of: self)
  }
}
