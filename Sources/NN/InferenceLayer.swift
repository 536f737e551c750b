import Torch

/// A layer that computes faster on a CPU once its weights are packed, and then only draws.
public protocol InferenceLayer: Module {
  /// Packs the weights if processor, sizes and type are covered; without effect on weights that are packed or compact.
  func prepare()
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
  public func prepare() {
    if let packed = PackedWeights(matrix: weight, bias: bias) { weight.setPacked_(packed) }
  }
}

extension Conv2d: InferenceLayer {
  public func prepare() {
    guard groups == 1, !savesMemory else { return }
    if let packed = PackedWeights(kernel: weight, bias: bias, stride: stride, padding: padding) {
      weight.setPacked_(packed)
    }
  }
}

extension GroupNorm: InferenceLayer {
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
