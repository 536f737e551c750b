import Models
import NN
import Torch

/// A trainable LoRA on the frozen weights of a network.
///
/// The network's layers are unaware of it. Before a step, W + s · B · A is written into their weights; after it, the
/// gradient G of a weight is propagated to the factors: Bᵀ · G and G · Aᵀ, times s.
final class LowRankWeights {
  let lora: LoRA
  /// The factor s of B · A: alpha / rank.
  let scale: Double
  private let originals: [Tensor]  // W, in the order of the pairs
  private let weights: [NamedTensor]  // what the layers read

  /// Freezes a network but for the LoRA's layers; traps if it lacks one of them.
  init(_ lora: LoRA, on network: any Module, scale: Double = 1) {
    let table = Dictionary(uniqueKeysWithValues: network.parameters.map { ($0.key, $0.tensor) })
    let weights: [NamedTensor] = lora.pairs.map { pair in
      guard let weight = table["\(pair.layer).weight"] else { fatalError("the network has no layer \(pair.layer)") }
      return (pair.layer, weight)
    }
    for (_, tensor) in weights { tensor.widen_() }
    originals = withNoGrad { weights.map { $0.tensor.detached().clone() } }
    network.requireGradients(false)
    for (_, tensor) in weights + lora.parameters { tensor.requiresGrad = true }
    (self.lora, self.weights, self.scale) = (lora, weights, scale)
  }

  /// Writes the merged weights into the layers.
  func merge() {
    withNoGrad {
      for (index, pair) in lora.pairs.enumerated() {
        weights[index].tensor.copy_(originals[index] + (scale == 1 ? pair.change : pair.change * scale))
      }
    }
  }

  /// Propagates the gradients of the weights to the factors, and clears them.
  func passGradients() {
    var total = Tensor(0).to(originals[0].device)
    for (pair, weight) in zip(lora.pairs, weights) {
      guard let gradient = weight.tensor.grad else { fatalError("\(weight.key) got no gradient") }
      let rank = pair.down.shape[0]
      let (down, up) = (pair.down.reshaped([rank, -1]), pair.up.reshaped([-1, rank]))
      let (ofDown, ofUp) = withNoGrad {
        let G = gradient.reshaped([up.shape[0], -1])  // [out, in · k · k]
        return (up.transposed(0, 1).matmul(G), G.matmul(down.transposed(0, 1)))
      }
      total = total + (down * ofDown).sum() + (up * ofUp).sum()  // its gradients are these
    }
    (scale == 1 ? total : total * scale).backward()
    for (_, tensor) in weights { tensor.clearGrad() }
  }
}
