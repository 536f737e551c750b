import NN
import Torch

/// A low-rank adaptation of a network: W + B · A for matrices and kernels (Hu et al., 2021).
///
/// It is merged into the weights, so inference costs the same. Files are compatible with PEFT and diffusers in both
/// directions (`LoRAFile`).
public final class LoRA {
  /// The factors of one layer.
  public struct Pair {
    /// Key of the layer without `.weight`, such as `mid_block.resnets.0.conv1`.
    public let layer: String
    /// The factor A, `[rank, in]` or `[rank, in, k, k]`.
    public let down: Tensor
    /// The factor B, `[out, rank]` or `[out, rank, 1, 1]`.
    public let up: Tensor

    /// B · A in the shape of the layer's weight, which it is added to.
    public var change: Tensor {
      let rank = down.shape[0]
      let product = up.reshaped([-1, rank]).matmul(down.reshaped([rank, -1]))  // [out, in · k · k]
      return product.reshaped([up.shape[0]] + down.shape.dropFirst())
    }

    /// The shapes of both factors for a layer's weight.
    static func shapes(of weight: [Int], rank: Int) -> (down: [Int], up: [Int]) {
      let kernel = weight.dropFirst(2)
      return ([rank] + weight.dropFirst(), [weight[0], rank] + kernel.map { _ in 1 })
    }
  }

  /// The factors, in the order of the network's parameters if they are new.
  public let pairs: [Pair]

  /// A LoRA of the given factors, which are not checked against a network.
  public init(_ pairs: [Pair]) { self.pairs = pairs }

  /// New factors for layers of a network: A is random like the weights of a new layer, B is zero.
  ///
  /// `targets` are ends of layer names, as in PEFT (`to_q`, `to_out.0`); nil is every matrix and kernel.
  public convenience init(for network: any Module, targets: [String]? = nil, rank: Int, _ generator: Generator) {
    self.init(
      Self.layers(of: network).filter { layer, _ in targets?.contains { Self.matches(layer, $0) } ?? true }
        .map { layer, weight in
          let shapes = Pair.shapes(of: weight.shape, rank: rank)
          let bound = 1 / Double(weight.shape.dropFirst().reduce(1, *)).squareRoot()
          let down = Tensor.zeros(shapes.down)
          down.uniform_(-bound, bound, generator: generator)
          return Pair(layer: layer, down: down.to(weight.device), up: Tensor.zeros(shapes.up, device: weight.device))
        })
  }

  /// All factors with their keys in files, without the prefix of the network.
  public var parameters: [NamedTensor] {
    pairs.flatMap { [("\($0.layer).lora_A.weight", $0.down), ("\($0.layer).lora_B.weight", $0.up)] }
  }

  /// Takes over the values of another LoRA; traps unless both have the same layers with factors of the same shapes.
  public func copyValues(from other: LoRA) {
    let given = Dictionary(uniqueKeysWithValues: other.pairs.map { ($0.layer, $0) })
    guard given.count == pairs.count else { fatalError("\(given.count) layers, expected \(pairs.count)") }
    withNoGrad {
      for pair in pairs {
        guard let source = given[pair.layer], source.down.shape == pair.down.shape, source.up.shape == pair.up.shape
        else { fatalError("the other LoRA has no layer \(pair.layer) of that rank") }
        pair.down.copy_(source.down)
        pair.up.copy_(source.up)
      }
    }
  }

  /// The same LoRA times `scale`, which is multiplied into B.
  public func scaled(by scale: Double) -> LoRA {
    if scale == 1 { return self }
    return withNoGrad { LoRA(pairs.map { Pair(layer: $0.layer, down: $0.down, up: $0.up * scale) }) }
  }

  /// Adds the LoRA, times `scale`, to a network's weights.
  ///
  /// Traps if the network lacks a layer; reading a file checks all of them.
  public func merge(into network: any Module, scale: Double = 1) {
    let weights = Dictionary(uniqueKeysWithValues: Self.layers(of: network))
    withNoGrad {
      for pair in pairs {
        guard let weight = weights[pair.layer] else { fatalError("the network has no layer \(pair.layer)") }
        weight.widen_()
        weight.add_(pair.change.to(weight.device) * scale)
      }
    }
  }

  /// The names of the layers that a LoRA can adapt.
  public static func layerNames(of network: any Module) -> [String] { layers(of: network).map(\.0) }

  /// Whether a target, the end of a layer's name, means a layer.
  public static func matches(_ layer: String, _ target: String) -> Bool {
    layer == target || layer.hasSuffix("." + target)
  }

  /// The layers that a LoRA can adapt by name: matrices and kernels, but no tables of embeddings, whose factors are
  /// applied in another way.
  static func layers(of network: any Module) -> [(String, Tensor)] {
    network.parameters.filter {
      $0.key.hasSuffix(suffix) && $0.tensor.rank >= 2 && !isTable($0.key)
    }
    .map { (String($0.key.dropLast(suffix.count)), $0.tensor) }
  }

  /// The tables of BERT and of CLIP.
  private static func isTable(_ key: String) -> Bool {
    ["_embeddings.weight", "token_embedding.weight", "position_embedding.weight"].contains(where: key.hasSuffix)
  }

  private static let suffix = ".weight"
}
