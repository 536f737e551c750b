import NN
import Testing
import Torch

/// Records a failure unless the gradients of a scalar are its central differences, in float64.
///
/// `loss` must be a function of parameters and inputs alone, whose elements are moved one after the other and put back.
func expectGradients(
  _ parameters: [NamedTensor] = [], inputs: [Tensor] = [], of loss: () -> Tensor, step: Double = 1e-5,
  tolerance: Double = 1e-7, sourceLocation: SourceLocation = #_sourceLocation
) {
  let tensors = parameters + inputs.enumerated().map { (key: "input \($0)", tensor: $1) }
  for (_, tensor) in tensors {
    if tensor.dtype != .float64 { tensor.setData_(tensor.to(.float64)) }
    tensor.requiresGrad = true
    tensor.clearGrad()
  }
  loss().backward()
  for (key, tensor) in tensors {
    guard let gradient = tensor.grad?.doubles() else {
      Issue.record("\(key) has no gradient", sourceLocation: sourceLocation)
      continue
    }
    for index in gradient.indices {
      let difference = withNoGrad {
        let element = tensor.detached().reshaped([-1]).narrowed(0, index, 1)
        let move = Tensor(step, dtype: .float64)
        element.add_(move)
        let above = loss().item()
        element.add_(move, alpha: -2)
        let below = loss().item()
        element.add_(move)
        return (above - below) / (2 * step)
      }
      if abs(difference - gradient[index]) > tolerance * max(1, abs(difference)) {
        Issue.record(
          "\(key)[\(index)]: gradient \(gradient[index]), difference \(difference)", sourceLocation: sourceLocation)
      }
    }
  }
}

/// Random float64 numbers, the same in every run.
func random(_ shape: [Int], seed: UInt64) -> Tensor {
  Tensor.randn(shape, generator: Generator(seed: seed)).to(.float64)
}

extension Module {
  /// The same module with float64 parameters, for comparisons without rounding.
  func inFloat64() -> Self {
    for (_, tensor) in parameters { tensor.setData_(tensor.to(.float64)) }
    return self
  }
}
