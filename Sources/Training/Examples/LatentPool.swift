import Diffusion
import Flux
import Foundation
import Scenes
import Support
import Torch

/// Latents and text states of the newest images, from which U-Net batches are drawn once the encoder is frozen.
///
/// A ring buffer: image k is at index k mod size. Its contents depend only on the step, so that a continued run rebuilds
/// the same pool.
final class LatentPool {
  private let size: Int
  private let latents: Tensor  // [size, C, h, w]
  private let states: Tensor  // [size, N, width], bf16
  private let masks: Tensor  // [size, N]
  private let labels: Tensor  // [size, h · w], object label of each cell
  private var hasLabels = false
  private var ids: [String]
  private(set) var filled = 0  // images added so far

  init(size: Int, latentShape: [Int], tokens: Int, stateWidth: Int, device: Device) {
    self.size = size
    latents = Tensor.zeros([size] + latentShape, device: device)
    states = Tensor.zeros([size, tokens, stateWidth], dtype: .bfloat16, device: device)
    masks = Tensor.zeros([size, tokens], device: device)
    labels = Tensor.zeros([size, latentShape[1] * latentShape[2]], dtype: .int64, device: device)
    ids = [String](repeating: "", count: size)
  }

  /// Adds some rows of `new` as the examples from number `filled` on.
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

  /// Starts as if all examples up to `index` had been added and replaced.
  func skip(to index: Int) { filled = index }

  /// Random rows.
  func draw(_ count: Int, generator: Generator) -> Example {
    let rows = Tensor.randint(0..<min(filled, size), [count], generator: generator)
    let places = rows.to(latents.device)
    return Example(
      latents: latents.indexed(0, places), states: states.indexed(0, places).to(.float32),
      masks: masks.indexed(0, places), labels: hasLabels ? labels.indexed(0, places) : nil,
      ids: ids, rows: rows)
  }
}

/// A batch for the U-Net.
struct Example {
  let latents: Tensor  // [B, C, h, w], normalized, with latent noise
  let states: Tensor  // [B, N, width]
  let masks: Tensor  // [B, N]
  let labels: Tensor?  // [B, h · w]
  let ids: [String]
  var rows: Tensor?  // [B], indices into `ids`, if they are on the device only

  /// The names of the images in messages.
  var names: [String] { rows.map { $0.ints().map { ids[$0] } } ?? ids }
}

/// A micro-batch.
struct DiffusionPiece {
  let noisy: Tensor
  let timesteps: Tensor
  let target: Tensor
  let states: Tensor
  let masks: Tensor
  let labels: Tensor?
  let weights: Tensor?

  /// Splits a batch after its noise was drawn, so that splitting does not change random numbers.
  static func cut(_ example: Example, _ noisyBatch: DiffusionLoss.NoisyBatch, into pieces: Int) -> [DiffusionPiece] {
    func parts(_ x: Tensor) -> [Tensor] { x.pieces(pieces) }
    let (noisy, times, targets) = (parts(noisyBatch.noisy), parts(noisyBatch.timesteps), parts(noisyBatch.target))
    let (states, masks, labels) = (parts(example.states), parts(example.masks), example.labels.map(parts))
    let weights = noisyBatch.weights.map(parts)
    return noisy.indices.map { index in
      DiffusionPiece(
        noisy: noisy[index], timesteps: times[index], target: targets[index], states: states[index],
        masks: masks[index], labels: labels?[index], weights: weights?[index])
    }
  }
}

extension Tensor {
  /// Splits the rows into at most `count` pieces of equal size; the last may be smaller.
  func pieces(_ count: Int) -> [Tensor] {
    let rows = shape[0]
    let size = (rows + count - 1) / count
    return stride(from: 0, to: rows, by: size).map { narrowed(0, $0, Swift.min(size, rows - $0)) }
  }
}

extension Trainer {
  /// A batch from the pool, which is filled first and renewed in every step.
  func pooled(_ step: Int) throws -> Example {
    guard let pool = try filledPool(at: step) else { fatalError("nobody asked to stop") }
    let generator = generator(step, .pool)
    let drawn = pool.draw(plan.batch(of: .diffusion), generator: generator)
    return Example(
      latents: noised(drawn.latents, generator), states: drawn.states, masks: drawn.masks, labels: drawn.labels,
      ids: drawn.ids, rows: drawn.rows)
  }

  /// The pool at a step; nil if `shouldStop`, called before every block of images, returns true.
  ///
  /// Filling the pool takes minutes with large networks on a CPU.
  @discardableResult
  func filledPool(at step: Int, shouldStop: () -> Bool = { false }) throws -> LatentPool? {
    let done = step - plan.range(of: .diffusion).lowerBound
    // Images are added in whole blocks, since they are encoded in blocks.
    let newest = plan.poolSize + done * plan.poolRenewal
    let end = max(plan.poolSize, examples.block(at: newest).range.lowerBound)
    let isNew = pool == nil
    let pool = try self.pool ?? emptyPool(before: end - plan.poolSize)
    self.pool = pool
    // Images that others would replace before a batch is drawn are not encoded.
    if pool.filled < end - plan.poolSize { pool.skip(to: end - plan.poolSize) }
    let (begun, missing) = (Date(), end - pool.filled)
    while pool.filled < end {
      if shouldStop() { return nil }
      let block = examples.block(at: pool.filled)
      let first = block.range.lowerBound
      pool.append(try encoded(block), rows: pool.filled - first..<min(block.range.upperBound, end) - first)
    }
    if isNew {
      let seconds = String(format: "%.1f", Date().timeIntervalSince(begun))
      onMessage(
        "\(missing) images encoded for the U-Net in \(seconds) s"
          + (cache.map { ", \($0.hits) from the cache" } ?? ""))
    }
    return pool
  }

  /// An empty pool that continues at image `first`.
  private func emptyPool(before first: Int) throws -> LatentPool {
    try openCache()
    let c = model.configuration
    let new = LatentPool(
      size: plan.poolSize, latentShape: [c.autoencoder.latentChannels, c.latentSize, c.latentSize],
      tokens: c.adapter.maxTokens, stateWidth: 2 * c.adapter.inputWidth, device: device)
    new.skip(to: first)
    return new
  }

  /// Latents with latent noise, drawn again at each call.
  func noised(_ latents: Tensor, _ generator: Generator) -> Tensor {
    plan.latentNoise == 0
      ? latents : latents + (Tensor.randn(latents.shape, generator: generator) * plan.latentNoise).to(device)
  }

  /// A block of images, encoded or from the cache.
  private func encoded(_ block: ExampleBlock) throws -> Example {
    let (latents, metadata) = try cached(block) ?? encodeUncached(block)
    let text = captions(metadata.captions, .diffusion, block.range.lowerBound, files: cache?.captions)
    return Example(
      latents: latents, states: text.states, masks: text.masks, labels: metadata.labels?.to(device), ids: metadata.ids)
  }

  private func encodeUncached(_ block: ExampleBlock) throws -> (Tensor, ExampleMetadata) {
    let batch = try load(.diffusion, block.range, size: baseSize)
    let latents = withNoGrad {
      inPrecision {
        model.autoencoder.normalized(model.autoencoder.encodeRaw(batch.images.to(device)).to(.float32))
      }
    }
    cache?.keep(LatentCache.Block(latents: latents.to(.cpu), items: batch.items), block.name)
    return (latents, ExampleMetadata(captions: batch.captions, ids: batch.ids, labels: batch.labels))
  }

  /// Text states of captions with caption dropout, padded to the adapter's maximum length.
  func captions(
    _ captions: [String], _ stream: ExampleStream, _ first: Int, files: CaptionFiles? = nil
  ) -> (states: Tensor, masks: Tensor) {
    var random = SplitMix64(
      seed: stream.seed(of: plan.seed) ^ Purpose.captions.rawValue << 8, index: UInt64(first))
    return texts(captions.map { random.chance(plan.captionDropout) ? "" : $0 }, files: files)
  }
}
