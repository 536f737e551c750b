import Torch

/// Element-wise non-linearities, named as in diffusers' configurations.
public enum Activation: String, Codable, Sendable {
  case silu, gelu, relu

  public func callAsFunction(_ x: Tensor) -> Tensor {
    switch self {
    case .silu: x.silu()
    case .gelu: x.gelu()
    case .relu: x.relu()
    }
  }
}
