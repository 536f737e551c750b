import NN
import Torch

/// A small change to a U-Net's weights: for each of its matrices and kernels a product of two thin ones, W + B · A
/// (Hu et al., 2021).
///
/// Drawing with it costs nothing more, since it is added to the weights. Programs that read diffusers' LoRA files read
/// what this saves, and the other way round (LoRA+File.swift).
public final class LoRA {
  /// The change of one layer.
  public struct Pair {
    public let layer: String  // its key without ".weight", as in "mid_block.resnets.0.conv1"
    public let down: Tensor  // A: [rank, in] or [rank, in, k, k]
    public let up: Tensor  // B: [out, rank] or [out, rank, 1, 1]

    /// What is added to the layer's weight, in its shape.
    public var change: Tensor {
      let rank = down.shape[0]
      let product = up.reshaped([-1, rank]).matmul(down.reshaped([rank, -1]))  // [out, in · k · k]
      return product.reshaped([up.shape[0]] + down.shape.dropFirst())
    }

    /// The shapes of both parts for a layer's weight.
    static func shapes(of weight: [Int], rank: Int) -> (down: [Int], up: [Int]) {
      let kernel = weight.dropFirst(2)
      return ([rank] + weight.dropFirst(), [weight[0], rank] + kernel.map { _ in 1 })
    }
  }

  public let pairs: [Pair]

  public init(_ pairs: [Pair]) { self.pairs = pairs }

  /// Pairs for every matrix and kernel of a U-Net that change nothing yet: A is random as a new layer's weights are,
  /// B is zero.
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

  /// All parts with the keys that files have, without the prefix of the network.
  public var parameters: [NamedTensor] {
    pairs.flatMap { [("\($0.layer).lora_A.weight", $0.down), ("\($0.layer).lora_B.weight", $0.up)] }
  }

  /// Adds the change, times `scale`, to a U-Net's weights.
  ///
  /// Traps where the U-Net lacks a layer: `load` has checked all of them.
  public func merge(into unet: UNet, scale: Double = 1) {
    let weights = Dictionary(uniqueKeysWithValues: Self.layers(of: unet))
    withNoGrad {
      for pair in pairs {
        guard let weight = weights[pair.layer] else { fatalError("the U-Net has no layer \(pair.layer)") }
        weight.add_(pair.change.to(weight.device) * scale)
      }
    }
  }

  /// What a pair can change: the matrices and kernels of a U-Net under their layers' names.
  static func layers(of unet: UNet) -> [(String, Tensor)] {
    unet.parameters.filter { $0.key.hasSuffix(suffix) && $0.tensor.rank >= 2 }
      .map { (String($0.key.dropLast(suffix.count)), $0.tensor) }
  }

  private static let suffix = ".weight"
}
