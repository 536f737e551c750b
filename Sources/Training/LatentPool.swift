import Data
import Flux
import Torch

/// Latents and text states of the newest scenes, from which the U-Net's batches are drawn once the encoder is frozen.
///
/// The pool is a ring: scene k sits at place k mod size. What it holds after a step depends on the step alone, so that
/// a resumed run builds the same pool again.
final class LatentPool {
  private let size: Int
  private let latents: Tensor  // [size, C, h, w]
  private let states: Tensor  // [size, N, width], bf16: a tenth of the noise that rounding could hide
  private let masks: Tensor  // [size, N]
  private let labels: Tensor  // [size, h · w], what stands in each cell
  private(set) var filled = 0  // scenes that have entered so far

  init(size: Int, latentShape: [Int], tokens: Int, stateWidth: Int) {
    self.size = size
    latents = Tensor.zeros([size] + latentShape)
    states = Tensor.zeros([size, tokens, stateWidth], dtype: .bfloat16)
    masks = Tensor.zeros([size, tokens])
    labels = Tensor.zeros([size, latentShape[1] * latentShape[2]], dtype: .int64)
  }

  /// Puts scene number `filled` and those after it into the ring.
  func append(latents newLatents: Tensor, states newStates: Tensor, masks newMasks: Tensor, labels newLabels: Tensor) {
    withNoGrad {
      for row in 0..<newLatents.shape[0] {
        let place = filled % size
        latents[place].copy_(newLatents[row])
        states[place].copy_(newStates[row])
        masks[place].copy_(newMasks[row])
        labels[place].copy_(newLabels[row])
        filled += 1
      }
    }
  }

  /// Starts as if scenes up to `index` had been and gone.
  func skip(to index: Int) { filled = index }

  /// Rows picked at random.
  func draw(
    _ count: Int, generator: Generator
  ) -> (latents: Tensor, states: Tensor, masks: Tensor, labels: Tensor) {
    let rows = Tensor.randint(0..<min(filled, size), [count], generator: generator)
    return (
      latents.indexed(0, rows), states.indexed(0, rows).to(.float32), masks.indexed(0, rows), labels.indexed(0, rows)
    )
  }
}
