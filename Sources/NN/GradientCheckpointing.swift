import Torch

/// Whether networks keep only what enters their blocks, and compute the rest again for the gradients: less memory for a
/// second forward pass.
public enum GradientCheckpointing {
  @TaskLocal public static var isOn = false
}

/// What `body` makes of the inputs; recomputed for the gradients where checkpointing is on.
///
/// Inputs are all tensors that gradients flow through, but for parameters.
public func checkpointed(_ inputs: [Tensor], _ body: @escaping ([Tensor]) -> Tensor) -> Tensor {
  GradientCheckpointing.isOn ? recomputed(inputs, body) : body(inputs)
}
