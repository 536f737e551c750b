import Models
import NN
import Torch

/// A U-Net with a teacher's frozen weights plus a trainable LoRA of every matrix and kernel.
final class LowRankStudent {
  let unet: UNet
  private let weights: LowRankWeights
  var lora: LoRA { weights.lora }

  /// Starts as a copy of the teacher.
  init(of teacher: UNet, rank: Int, _ generator: Generator, device: Device) {
    let unet = UNet(teacher.configuration, .empty)
    if device != .cpu { unet.move(to: device) }
    withNoGrad {
      for (own, given) in zip(unet.parameters, teacher.parameters) { own.tensor.copy_(given.tensor) }
    }
    weights = LowRankWeights(LoRA(for: unet, rank: rank, generator), on: unet)
    self.unet = unet
  }

  /// Writes the merged weights into the modules.
  func merge() { weights.merge() }

  /// Propagates weight gradients to the LoRA factors and clears them.
  func passGradients() { weights.passGradients() }
}
