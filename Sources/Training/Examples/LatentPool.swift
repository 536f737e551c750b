import Diffusion
import Flux
import Foundation
import Scenes
import Support
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

/// What a step of the U-Net learns from.
struct Example {
  let latents: Tensor  // [B, C, h, w], normalised, with the little noise that they always have
  let states: Tensor  // [B, N, width]
  let masks: Tensor  // [B, N]
  let labels: Tensor?  // [B, h · w]
  let ids: [String]
  var rows: Tensor?  // [B], which of `ids` these are, where only the device knows

  /// What messages call the pictures.
  var names: [String] { rows.map { $0.ints().map { ids[$0] } } ?? ids }
}

/// A part of a batch, as large as memory allows.
struct DiffusionPiece {
  let noisy: Tensor
  let timesteps: Tensor
  let target: Tensor
  let states: Tensor
  let masks: Tensor
  let labels: Tensor?
  let weights: Tensor?

  /// Cuts a batch whose noise was drawn as a whole, so that the cut changes no random number.
  static func cut(_ example: Example, _ question: DiffusionLoss.Question, into pieces: Int) -> [DiffusionPiece] {
    func parts(_ x: Tensor) -> [Tensor] { x.pieces(pieces) }
    let (noisy, times, targets) = (parts(question.noisy), parts(question.timesteps), parts(question.target))
    let (states, masks, labels) = (parts(example.states), parts(example.masks), example.labels.map(parts))
    let weights = question.weights.map(parts)
    return noisy.indices.map { index in
      DiffusionPiece(
        noisy: noisy[index], timesteps: times[index], target: targets[index], states: states[index],
        masks: masks[index], labels: labels?[index], weights: weights?[index])
    }
  }
}

extension Tensor {
  /// The rows in at most `count` pieces of one size, of which the last may be smaller.
  func pieces(_ count: Int) -> [Tensor] {
    let rows = shape[0]
    let size = (rows + count - 1) / count
    return stride(from: 0, to: rows, by: size).map { narrowed(0, $0, Swift.min(size, rows - $0)) }
  }
}

extension Trainer {
  /// A batch from the pool, which is filled first and renewed at every step.
  func pooled(_ step: Int) throws -> Example {
    guard let pool = try filledPool(at: step) else { fatalError("nobody asked to stop") }
    let generator = generator(step, .pool)
    let drawn = pool.draw(plan.batch(of: .diffusion), generator: generator)
    return Example(
      latents: noised(drawn.latents, generator), states: drawn.states, masks: drawn.masks, labels: drawn.labels,
      ids: drawn.ids, rows: drawn.rows)
  }

  /// The pool as a step finds it; nil where `shouldStop`, asked before every block of pictures, says so.
  ///
  /// The first pool takes minutes with large networks on a CPU.
  @discardableResult
  func filledPool(at step: Int, shouldStop: () -> Bool = { false }) throws -> LatentPool? {
    let done = step - plan.range(of: .diffusion).lowerBound
    // New pictures enter by whole blocks, since the encoder makes no less of them; the first pool has any size.
    let newest = plan.poolSize + done * plan.poolRenewal
    let end = max(plan.poolSize, examples.block(at: newest).range.lowerBound)
    let isNew = pool == nil
    let pool = try self.pool ?? emptyPool(before: end - plan.poolSize)
    self.pool = pool
    let (begun, missing) = (Date(), end - pool.filled)
    while pool.filled < end {
      if shouldStop() { return nil }
      let block = examples.block(at: pool.filled)
      let first = block.range.lowerBound
      pool.append(try encoded(block), rows: pool.filled - first..<min(block.range.upperBound, end) - first)
    }
    if isNew {
      let seconds = String(format: "%.1f", Date().timeIntervalSince(begun))
      news(
        "\(missing) pictures for the U-Net are encoded, in \(seconds) s"
          + (cache.map { ", \($0.hits) from the cache" } ?? ""))
    }
    return pool
  }

  /// A pool that has nothing yet of the pictures from `first` on.
  private func emptyPool(before first: Int) throws -> LatentPool {
    try openCache()
    let c = model.configuration
    let new = LatentPool(
      size: plan.poolSize, latentShape: [c.autoencoder.latentChannels, c.latentSize, c.latentSize],
      tokens: c.adapter.maxTokens, stateWidth: 2 * c.adapter.inputWidth, device: device)
    new.skip(to: first)
    return new
  }

  /// Latents with the little noise that the decoder always sees, drawn anew each time.
  func noised(_ latents: Tensor, _ generator: Generator) -> Tensor {
    plan.latentNoise == 0
      ? latents : latents + (Tensor.randn(latents.shape, generator: generator) * plan.latentNoise).to(device)
  }

  /// A block of pictures through the frozen encoder, or from the cache.
  private func encoded(_ block: ExampleBlock) throws -> Example {
    let (latents, words) = try cached(block) ?? encodedAnew(block)
    let text = captions(words.captions, .diffusion, block.range.lowerBound, files: cache?.captions)
    return Example(
      latents: latents, states: text.states, masks: text.masks, labels: words.labels?.to(device), ids: words.ids)
  }

  private func encodedAnew(_ block: ExampleBlock) throws -> (Tensor, ExampleWords) {
    let batch = try load(.diffusion, block.range, size: coreSize)
    let latents = withNoGrad {
      inPrecision {
        model.autoencoder.normalised(model.autoencoder.encodeRaw(batch.pictures.to(device)).to(.float32))
      }
    }
    cache?.keep(LatentCache.Block(latents: latents.to(.cpu), items: batch.items), block.name)
    return (latents, ExampleWords(captions: batch.captions, ids: batch.ids, labels: batch.labels))
  }

  /// Text states of captions, some of them replaced by the empty one, padded to the adapter's longest.
  func captions(
    _ captions: [String], _ stream: ExampleStream, _ first: Int, files: CaptionFiles? = nil
  ) -> (states: Tensor, masks: Tensor) {
    var random = SplitMix64(
      seed: stream.seed(of: plan.seed) ^ Purpose.captions.rawValue << 8, index: UInt64(first))
    return texts(captions.map { random.chance(plan.captionDropout) ? "" : $0 }, files: files)
  }
}
