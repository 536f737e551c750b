import Models
import NN
import Torch

/// A U-Net with a teacher's frozen weights plus a trainable LoRA.
///
/// The modules are unaware of it. Before a step, W + B · A is written into their weights; after it, the gradient G of
/// the weights is propagated to A and B as Bᵀ · G and G · Aᵀ.
final class LowRankStudent {
  let unet: UNet
  let lora: LoRA
  private let originals: [Tensor]  // W, in the order of the pairs
  private let weights: [NamedTensor]  // what the modules read

  /// Starts as a copy of the teacher.
  init(of teacher: UNet, rank: Int, _ generator: Generator, device: Device) {
    let unet = UNet(teacher.configuration, .empty)
    if device != .cpu { unet.move(to: device) }
    withNoGrad {
      for (own, given) in zip(unet.parameters, teacher.parameters) { own.tensor.copy_(given.tensor) }
    }
    let lora = LoRA(for: unet, rank: rank, generator)
    let table = Dictionary(uniqueKeysWithValues: unet.parameters.map { ($0.key, $0.tensor) })
    let weights: [NamedTensor] = lora.pairs.map { pair in
      guard let weight = table["\(pair.layer).weight"] else { fatalError("a pair was made for every layer") }
      return (pair.layer, weight)
    }
    originals = weights.map { $0.tensor.clone() }
    for (_, tensor) in weights + lora.parameters { tensor.requiresGrad = true }
    (self.unet, self.lora, self.weights) = (unet, lora, weights)
  }

  /// Writes the merged weights into the modules.
  func merge() {
    withNoGrad {
      for (index, pair) in lora.pairs.enumerated() { weights[index].tensor.copy_(originals[index] + pair.change) }
    }
  }

  /// Propagates weight gradients to the LoRA factors and clears them.
  func passGradients() {
    var total = Tensor(0).to(originals[0].device)
    for (pair, weight) in zip(lora.pairs, weights) {
      guard let gradient = weight.tensor.grad else { fatalError("\(weight.key) got no gradient") }
      total = total + (pair.change * gradient).sum()  // its gradient is that of the loss
    }
    total.backward()
    for (_, tensor) in weights { tensor.clearGrad() }
  }
}
