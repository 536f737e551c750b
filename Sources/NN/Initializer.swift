import Torch

/// Where the first values of parameters come from.
public enum Initializer {
  /// Random numbers, drawn in order of construction: the same generator state gives the same network.
  case random(Generator)
  /// Zeros: a checkpoint will be loaded.
  case empty

  /// U(−b, b) with b = 1/√fanIn: what PyTorch's `Linear` and `Conv2d` start from (Kaiming uniform with a = √5).
  func uniform(_ shape: [Int], fanIn: Int) -> Tensor {
    let tensor = Tensor.zeros(shape)
    if case .random(let generator) = self {
      let bound = 1 / Double(max(fanIn, 1)).squareRoot()
      tensor.uniform_(-bound, bound, generator: generator)
    }
    return tensor
  }

  /// N(0, std²).
  func normal(_ shape: [Int], std: Double) -> Tensor {
    let tensor = Tensor.zeros(shape)
    if case .random(let generator) = self { tensor.normal_(std: std, generator: generator) }
    return tensor
  }
}
