import Torch

/// Finds the first layer whose output is not finite, by checking the output of every layer during a computation.
///
/// Costs one lookup per layer when it is not in use.
public enum LayerProbe {
  /// A layer whose output is not finite.
  public struct Fault {
    /// A parameter of the layer; its name in the network identifies the layer.
    public let weight: Tensor
    /// Name of the layer's class.
    public let type: String
  }

  /// Runs `body` and returns the first layer whose output is not finite.
  public static func firstFault(in body: () throws -> Void) rethrows -> Fault? {
    let finding = Finding()
    try $current.withValue(finding) { try body() }
    return finding.fault
  }

  /// Layers call this with their output.
  static func passing(_ output: Tensor, weight: Tensor, of layer: any Module) -> Tensor {
    if let current, current.fault == nil, !withNoGrad({ output.allFinite }) {
      current.fault = Fault(weight: weight, type: "\(Swift.type(of: layer))")
    }
    return output
  }

  @TaskLocal private static var current: Finding?

  /// Used only by the task that created it, which runs layers one after the other.
  private final class Finding: @unchecked Sendable { var fault: Fault? }
}

/// Whether networks store only the inputs of their blocks and recompute the rest in the backward pass: less memory for
/// a second forward pass.
public enum GradientCheckpointing {
  /// False unless set with `$isOn.withValue(true)` for the current task.
  @TaskLocal public static var isOn = false
}

/// The result of `body`, which the backward pass recomputes if checkpointing is on.
///
/// The inputs must include all tensors that gradients flow through, except parameters.
public func checkpointed(_ inputs: [Tensor], _ body: @escaping ([Tensor]) -> Tensor) -> Tensor {
  GradientCheckpointing.isOn ? recomputed(inputs, body) : body(inputs)
}
