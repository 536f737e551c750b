import Torch

/// A layer that computes faster on a CPU once its weights are packed, and then only draws.
public protocol InferenceLayer: Module {
  /// The weights that are packed; nil for a layer that keeps all of its own as they are.
  var packing: Packing? { get }
  /// Packs the weights if processor, sizes and type are covered; without effect on weights that are packed or compact.
  func prepare()
}

extension InferenceLayer {
  public func prepare() { packing?.pack() }
}

/// Weights of a layer, and how they are packed.
public enum Packing {
  /// A matrix; with `gated` the second half of its rows gates the first.
  case matrix(Tensor, bias: Tensor?, gated: Bool = false)
  /// Matrices without bias that read the same rows, as one.
  case matrices([Tensor])
  /// The filters of a convolution.
  case kernel(Tensor, bias: Tensor?, stride: Int, padding: Int)

  /// The parameters whose place packed weights take.
  public var weights: [Tensor] {
    switch self {
    case .matrix(let weight, _, _), .kernel(let weight, _, _, _): [weight]
    case .matrices(let weights): weights
    }
  }

  /// Packs the weights, if they are covered.
  public func pack() {
    let packed =
      switch self {
      case .matrix(let weight, let bias, let gated): PackedWeights(matrix: weight, bias: bias, gated: gated)
      case .matrices(let weights): PackedWeights(matrices: weights)
      case .kernel(let weight, let bias, let stride, let padding):
        PackedWeights(kernel: weight, bias: bias, stride: stride, padding: padding)
      }
    guard let packed else { return }
    for weight in weights { weight.setPacked_(packed) }
  }

  /// Bytes that the weights take once they are packed, if they have a type and are not compact; nil where processor, sizes or
  /// type are not covered.
  public func bytes(as dtype: DType) -> Int? {
    switch self {
    case .matrix(let weight, _, let gated): return PackedWeights.bytes(matrix: weight.shape, dtype, gated: gated)
    case .matrices(let weights):
      guard let inputs = weights.first?.shape.last, weights.allSatisfy({ $0.shape.last == inputs }) else { return nil }
      return PackedWeights.bytes(matrix: [weights.reduce(0) { $0 + $1.shape[0] }, inputs], dtype)
    case .kernel(let weight, _, let stride, let padding):
      return PackedWeights.bytes(kernel: weight.shape, dtype, stride: stride, padding: padding)
    }
  }
}

extension Module {
  /// Packs the weights of all layers, for a network that only draws from now on.
  ///
  /// Layers whose sizes are not covered, weights in fewer bits and those that need gradients stay as they are; so does the
  /// whole network on processors that `PackedWeights` does not support. Packed weights take the place of the parameters, which
  /// can be neither read nor changed until they are replaced: merge LoRAs before.
  public func prepareForInference() {
    for layer in inferenceLayers { layer.prepare() }
  }

  /// The layers that can be packed, a layer before those that it consists of.
  public var inferenceLayers: [any InferenceLayer] { layers(of: self) }
}

extension Linear: InferenceLayer {
  public var packing: Packing? { .matrix(weight, bias: bias) }
}

extension Conv2d: InferenceLayer {
  public var packing: Packing? {
    groups == 1 && !savesMemory ? .kernel(weight, bias: bias, stride: stride, padding: padding) : nil
  }
}

extension GroupNorm: InferenceLayer {
  public var packing: Packing? { nil }

  public func prepare() {
    isPrepared = weight.device == .cpu && !weight.requiresGrad && PackedWeights.isSupported(weight.dtype)
  }
}

/// All layers among the stored properties that can be prepared, a layer before its parts.
private func layers(of value: Any) -> [any InferenceLayer] {
  switch value {
  case let module as any Module:
    var found: [any InferenceLayer] = []
    if let layer = module as? any InferenceLayer { found.append(layer) }
    var mirror: Mirror? = Mirror(reflecting: module)
    while let level = mirror {
      found += level.children.flatMap { layers(of: $0.value) }
      mirror = level.superclassMirror
    }
    return found
  case is Tensor, is any Encodable: return []
  case let parts as [Any]: return parts.flatMap { layers(of: $0) }
  default:
    return Mirror(reflecting: value).displayStyle == .optional
      ? Mirror(reflecting: value).children.flatMap { layers(of: $0.value) } : []
  }
}
