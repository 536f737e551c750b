import Flux
import Scenes
import Torch

/// Latents and text states of the newest pictures, from which the U-Net's batches are drawn once the encoder is frozen.
///
/// The pool is a ring: picture k sits at place k mod size. What it holds after a step depends on the step alone, so that
/// a resumed run builds the same pool again.
final class LatentPool {
  private let size: Int
  private let latents: Tensor  // [size, C, h, w]
  private let states: Tensor  // [size, N, width], bf16: a tenth of the noise that rounding could hide
  private let masks: Tensor  // [size, N]
  private let labels: Tensor  // [size, h · w], what stands in each cell
  private var hasLabels = false
  private var ids: [String]
  private(set) var filled = 0  // pictures that have entered so far

  init(size: Int, latentShape: [Int], tokens: Int, stateWidth: Int, device: Device) {
    self.size = size
    latents = Tensor.zeros([size] + latentShape, device: device)
    states = Tensor.zeros([size, tokens, stateWidth], dtype: .bfloat16, device: device)
    masks = Tensor.zeros([size, tokens], device: device)
    labels = Tensor.zeros([size, latentShape[1] * latentShape[2]], dtype: .int64, device: device)
    ids = [String](repeating: "", count: size)
  }

  /// Puts example number `filled` and those after it into the ring: some rows of what is given.
  func append(_ new: Example, rows: Range<Int>) {
    withNoGrad {
      for row in rows {
        let place = filled % size
        latents[place].copy_(new.latents[row])
        states[place].copy_(new.states[row])
        masks[place].copy_(new.masks[row])
        if let known = new.labels { labels[place].copy_(known[row]) }
        ids[place] = new.ids[row]
        filled += 1
      }
    }
    hasLabels = new.labels != nil
  }

  /// Starts as if examples up to `index` had been and gone.
  func skip(to index: Int) { filled = index }

  /// Rows picked at random.
  func draw(_ count: Int, generator: Generator) -> Example {
    let rows = Tensor.randint(0..<min(filled, size), [count], generator: generator)
    let places = rows.to(latents.device)
    return Example(
      latents: latents.indexed(0, places), states: states.indexed(0, places).to(.float32),
      masks: masks.indexed(0, places), labels: hasLabels ? labels.indexed(0, places) : nil,
      ids: ids, rows: rows)
  }
}
