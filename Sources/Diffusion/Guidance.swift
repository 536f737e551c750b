import Torch

/// The network at one time: `[B, C, h, w]` to a prediction of the same shape, of whatever kind it was trained for.
public typealias Denoiser = (_ x: Tensor, _ time: DiffusionTime) -> Tensor

/// Which context a part of a batch is denoised under.
public enum Branch: Sendable, Equatable {
  case conditional  // the prompt's
  case unconditional  // the empty prompt's, or the negative prompt's
}

/// The network with its contexts at hand: `x` holds one part of B rows for each branch, in the order given.
///
/// Whoever builds it concatenates the branches' contexts alike, so that all branches are one forward pass.
public typealias BranchedDenoiser = (_ x: Tensor, _ time: DiffusionTime, _ branches: [Branch]) -> Tensor

/// Classifier-free guidance (Ho & Salimans 2022).
public struct Guidance: Codable, Sendable, Equatable {
  /// How far the prompt's prediction is pushed away from the unconditional one; 1 is no guidance.
  public var scale: Double

  /// The noise levels σ/α at which guidance applies; all of them when nil.
  ///
  /// Outside it the unconditional branch is not computed (Kynkäänniemi et al., 2024).
  public var interval: ClosedRange<Double>?

  /// φ of Lin et al., 2024: how much of the guided prediction's contrast is set back to the prompt's, 0…1.
  public var rescale: Double

  public init(scale: Double, interval: ClosedRange<Double>? = nil, rescale: Double = 0) {
    self.scale = scale
    self.interval = interval
    self.rescale = rescale
  }

  /// Whether the unconditional branch matters at this time.
  public func applies(at time: DiffusionTime) -> Bool {
    scale != 1 && (interval?.contains(time.noiseLevel) ?? true)
  }

  /// A denoiser guided towards the conditional branch; both branches are one call.
  public func callAsFunction(_ network: @escaping BranchedDenoiser) -> Denoiser {
    { x, time in
      guard applies(at: time) else { return network(x, time, [.conditional]) }
      let both = network(Tensor.cat([x, x], dim: 0), time, [.unconditional, .conditional])  // [2B, C, h, w]
      let parts = both.chunked(2, dim: 0)
      return combine(unconditional: parts[0], conditional: parts[1])
    }
  }

  /// The guided prediction of two, each `[B, C, h, w]`.
  public func combine(unconditional: Tensor, conditional: Tensor) -> Tensor {
    let guided = unconditional + (conditional - unconditional) * scale
    guard rescale > 0 else { return guided }
    // Equations 15 and 16: the standard deviation of each picture as if it had not been guided.
    let axes = Array(1..<guided.rank)
    let ratio = conditional.std(axes, keepDims: true) / guided.std(axes, keepDims: true)  // [B, 1, 1, 1]
    return guided * (ratio * rescale + (1 - rescale))
  }
}
