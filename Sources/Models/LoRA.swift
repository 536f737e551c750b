import NN
import Torch

/// A low-rank adaptation of a U-Net: W + B · A for each matrix and kernel (Hu et al., 2021).
///
/// It is merged into the weights, so inference costs the same. Files are compatible with diffusers in both directions
/// (LoRA+File.swift).
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

  /// The factors, in the order of the U-Net's parameters if they are new.
  public let pairs: [Pair]

  /// A LoRA of the given factors, which are not checked against a U-Net.
  public init(_ pairs: [Pair]) { self.pairs = pairs }

  /// New factors for every matrix and kernel of a U-Net: A is random like the weights of a new layer, B is zero.
  public convenience init(for unet: UNet, rank: Int, _ generator: Generator) {
    self.init(
      Self.layers(of: unet).map { layer, weight in
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

  /// Adds the LoRA, times `scale`, to a U-Net's weights.
  ///
  /// Traps if the U-Net lacks a layer; `load` checks all of them.
  public func merge(into unet: UNet, scale: Double = 1) {
    let weights = Dictionary(uniqueKeysWithValues: Self.layers(of: unet))
    withNoGrad {
      for pair in pairs {
        guard let weight = weights[pair.layer] else { fatalError("the U-Net has no layer \(pair.layer)") }
        weight.add_(pair.change.to(weight.device) * scale)
      }
    }
  }

  /// The layers that a LoRA can adapt: matrices and kernels of a U-Net by layer name.
  static func layers(of unet: UNet) -> [(String, Tensor)] {
    unet.parameters.filter { $0.key.hasSuffix(suffix) && $0.tensor.rank >= 2 }
      .map { (String($0.key.dropLast(suffix.count)), $0.tensor) }
  }

  private static let suffix = ".weight"
}
