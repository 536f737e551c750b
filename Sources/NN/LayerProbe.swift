import Torch

/// Finds the first layer whose output is not finite, by looking at every layer's output while a computation runs.
///
/// Costs a lookup per layer when nobody is looking.
public enum LayerProbe {
  /// A layer at fault.
  public struct Fault {
    /// A parameter of the layer; its name in the network identifies the layer.
    public let weight: Tensor
    /// Name of the layer's class.
    public let type: String
  }

  /// Runs `body` and returns the first layer that made something that is not finite.
  public static func firstFault(in body: () throws -> Void) rethrows -> Fault? {
    let finding = Finding()
    try $current.withValue(finding) { try body() }
    return finding.fault
  }

  /// What layers call on their way out.
  static func passing(_ output: Tensor, weight: Tensor, of layer: any Module) -> Tensor {
    if let current, current.fault == nil, !withNoGrad({ output.allFinite }) {
      current.fault = Fault(weight: weight, type: "\(Swift.type(of: layer))")
    }
    return output
  }

  @TaskLocal private static var current: Finding?

  /// Only touched by the task that opened it, which runs its layers one after the other.
  private final class Finding: @unchecked Sendable { var fault: Fault? }
}

/// Whether networks keep only what enters their blocks, and compute the rest again for the gradients: less memory for a
/// second forward pass.
public enum GradientCheckpointing {
  /// False unless set with `$isOn.withValue(true)` for the current task.
  @TaskLocal public static var isOn = false
}

/// What `body` makes of the inputs; recomputed for the gradients where checkpointing is on.
///
/// Inputs are all tensors that gradients flow through, but for parameters.
public func checkpointed(_ inputs: [Tensor], _ body: @escaping ([Tensor]) -> Tensor) -> Tensor {
  GradientCheckpointing.isOn ? recomputed(inputs, body) : body(inputs)
}
