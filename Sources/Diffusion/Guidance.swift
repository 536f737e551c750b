import Torch

/// The network at one time: `[B, C, h, w]` to its prediction, of the same shape.
public typealias Denoiser = (_ x: Tensor, _ time: DiffusionTime) -> Tensor

/// The conditioning of a part of a batch.
public enum Branch: Sendable, Equatable {
  /// The prompt.
  case conditional
  /// The empty prompt or the negative prompt.
  case unconditional
}

/// The network with its conditioning: `x` has B rows for each branch, in the given order.
///
/// The contexts of the branches are concatenated in the same order, so that all branches are one forward pass.
public typealias BranchedDenoiser = (_ x: Tensor, _ time: DiffusionTime, _ branches: [Branch]) -> Tensor

/// Classifier-free guidance (Ho & Salimans 2022).
public struct Guidance: Codable, Sendable, Equatable {
  /// The guidance scale; 1 disables guidance.
  public var scale: Double

  /// The noise levels σ/α at which guidance applies; nil is all.
  ///
  /// Outside the interval the unconditional branch is not computed (Kynkäänniemi et al., 2024).
  public var interval: ClosedRange<Double>?

  /// CFG rescale φ of Lin et al., 2024, 0…1: restores the standard deviation of the conditional prediction.
  public var rescale: Double

  /// Guidance at all noise levels and without rescaling, unless given.
  public init(scale: Double, interval: ClosedRange<Double>? = nil, rescale: Double = 0) {
    self.scale = scale
    self.interval = interval
    self.rescale = rescale
  }

  /// Whether guidance applies at this time.
  public func applies(at time: DiffusionTime) -> Bool {
    scale != 1 && (interval?.contains(time.noiseLevel) ?? true)
  }

  /// A guided denoiser, with both branches in one call.
  public func callAsFunction(_ network: @escaping BranchedDenoiser) -> Denoiser {
    { x, time in
      guard applies(at: time) else { return network(x, time, [.conditional]) }
      let both = network(Tensor.cat([x, x], dim: 0), time, [.unconditional, .conditional])  // [2B, C, h, w]
      let parts = both.chunked(2, dim: 0)
      return combine(unconditional: parts[0], conditional: parts[1])
    }
  }

  /// The guided prediction from both branches, each `[B, C, h, w]`.
  public func combine(unconditional: Tensor, conditional: Tensor) -> Tensor {
    let guided = unconditional + (conditional - unconditional) * scale
    guard rescale > 0 else { return guided }
    // Equations 15 and 16: the standard deviation of each image as without guidance.
    let axes = Array(1..<guided.rank)
    let ratio = conditional.std(axes, keepDims: true) / guided.std(axes, keepDims: true)  // [B, 1, 1, 1]
    return guided * (ratio * rescale + (1 - rescale))
  }
}
