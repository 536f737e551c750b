import Flux
import Foundation
import Support
import Torch

/// The inputs and losses of the first steps of a run in pixel space, to repeat them in another program.
///
///     record/model/                 the initial weights, a model directory
///     record/steps.safetensors      images [S, B, 3, H, W] (uint8), seeds [S] and losses [S];
///                                   ids.K [B, N] and mask.K [B, N] of step K
///
/// The seed of a step is that of a `torch.Generator`, whose first B uniform numbers give the timesteps (1000 times the
/// number, rounded down) and whose next numbers are the standard normal noise.
struct PixelRecord {
  private var images: [Tensor] = []
  private var tokens: [TokenBatch] = []
  private var seeds: [Int64] = []
  private var losses: [Double] = []

  /// Adds a step; images are bytes, `[B, 3, H, W]`.
  mutating func add(_ images: Tensor, _ tokens: TokenBatch, seed: UInt64, loss: Double) {
    self.images.append(images)
    self.tokens.append(tokens)
    seeds.append(Int64(seed))
    losses.append(loss)
  }

  /// Writes the steps, and a model with the weights before them.
  func write(to folder: URL, from initial: PixelModel) throws {
    var tensors: [(key: String, tensor: Tensor)] = [
      ("images", Tensor.stack(images)), ("seeds", Tensor(seeds)), ("losses", Tensor(losses)),
    ]
    for (step, tokens) in tokens.enumerated() {
      tensors += [("ids.\(step)", tokens.ids), ("mask.\(step)", tokens.mask)]
    }
    try AtomicFolder.write(folder) { url throws(CheckpointError) in
      try initial.save(to: url.appendingPathComponent("model"))
      try Safetensors.write(tensors, to: url.appendingPathComponent("steps.safetensors"))
    }
  }
}
