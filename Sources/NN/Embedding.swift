import Torch

/// A table of vectors, one for each integer id.
public final class Embedding: Module {
  public let weight: Tensor  // [count, width]

  public init(count: Int, width: Int, _ initial: Initializer) {
    weight = initial.normal([count, width], std: 0.02)
  }

  /// int64 ids of any shape to `[…, width]`.
  public func callAsFunction(_ ids: Tensor) -> Tensor {
    LayerProbe.passing(Tensor.embedding(weight, ids), weight: weight, of: self)
  }
}
