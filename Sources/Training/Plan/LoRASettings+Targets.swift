import Models
import NN

// The layers that a LoRA adapts, by the ends of their names.

extension TrainingPlan.LoRASettings {
  /// Throws unless every target is a layer, and every network has one.
  func check(_ networks: [(LoRANetwork, any Module)]) throws(TrainingError) {
    guard let targets else { return }
    let layers = networks.map { ($0.0, LoRA.layerNames(of: $0.1)) }
    let all = layers.flatMap(\.1)
    if let unknown = targets.first(where: { target in !all.contains { LoRA.matches($0, target) } }) {
      throw .noTarget(unknown, Set(all.map(Self.end)).sorted())
    }
    let untargeted = layers.first { _, names in
      !names.contains { layer in targets.contains { LoRA.matches(layer, $0) } }
    }
    if let untargeted { throw .untargeted(untargeted.0.name, targets) }
  }

  /// The end of a layer's name that tells kinds of layers apart, such as `to_q` and `to_out.0`.
  private static func end(of layer: String) -> String {
    let parts = layer.split(separator: ".")
    let count = parts.last.map { Int($0) == nil ? 1 : 2 } ?? 1
    return parts.suffix(count).joined(separator: ".")
  }

  /// The ends of layer names that are adapted in a network of a model of Stable Diffusion's family, whose text encoders are
  /// CLIP's.
  func stableTargets(in network: LoRANetwork) -> [String] {
    targets ?? Self.attention(network == .textEncoder ? .textEncoder2 : network)
  }
}
