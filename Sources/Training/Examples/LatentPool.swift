import Diffusion
import Flux
import Foundation
import Scenes
import Support
import Torch

/// Latents and captions of the newest images, from which U-Net batches are drawn once the encoder is frozen.
///
/// A ring buffer: image k is at index k mod size. Its contents depend only on the step, so that a continued run rebuilds
/// the same pool.
///
/// Latents may have several shapes of at most h · w cells; a batch has one of them.
final class LatentPool {
  private let size: Int
  private let latents: Tensor  // [size, C, h · w], of which smaller ones use the first cells
  private var shapes: [[Int]]  // of each latent, [C, h, w]
  private var hasOneShape = true  // the latents that may be drawn; looked up at every step
  private let captions: Tensor  // text states [size, N, width] in bf16, or token ids [size, N]
  private let masks: Tensor  // [size, N]
  private let labels: Tensor  // [size, h · w], object label of each cell
  private var hasLabels = false
  private(set) var ids: [String]
  private(set) var filled = 0  // images added so far

  /// `stateWidth` is nil if the text encoder is trained, so that token ids are stored.
  init(size: Int, latentShape: [Int], tokens: Int, stateWidth: Int?, device: Device) {
    self.size = size
    latents = Tensor.zeros([size, latentShape[0], latentShape[1] * latentShape[2]], device: device)
    shapes = [[Int]](repeating: latentShape, count: size)
    captions =
      stateWidth.map { Tensor.zeros([size, tokens, $0], dtype: .bfloat16, device: device) }
      ?? Tensor.zeros([size, tokens], dtype: .int64, device: device)
    masks = Tensor.zeros([size, tokens], device: device)
    labels = Tensor.zeros([size, latentShape[1] * latentShape[2]], dtype: .int64, device: device)
    ids = [String](repeating: "", count: size)
  }

  /// Adds some rows of `new` as the examples from number `filled` on.
  func append(_ new: Example, rows: Range<Int>) {
    withNoGrad {
      var next = rows.lowerBound
      while next < rows.upperBound {  // once, or twice where the ring's end is among them
        let place = filled % size
        let count = min(rows.upperBound - next, size - place)
        func copy(_ source: Tensor, to target: Tensor) {
          target.narrowed(0, place, count).copy_(source.narrowed(0, next, count))
        }
        let shape = Array(new.latents.shape.dropFirst())
        copy(
          new.latents.reshaped([new.latents.shape[0], shape[0], shape[1] * shape[2]]),
          to: latents.narrowed(2, 0, shape[1] * shape[2]))
        shapes.replaceSubrange(place..<place + count, with: [[Int]](repeating: shape, count: count))
        copy(new.captions, to: captions)
        copy(new.masks, to: masks)
        if let known = new.labels { copy(known, to: labels) }
        ids.replaceSubrange(place..<place + count, with: new.ids[next..<next + count])
        filled += count
        next += count
      }
    }
    hasLabels = new.labels != nil
    compareShapes()
  }

  /// Starts as if all examples up to `index` had been added and replaced.
  func skip(to index: Int) {
    filled = index
    compareShapes()
  }

  private func compareShapes() { hasOneShape = shapes[..<min(filled, size)].allSatisfy { $0 == shapes[0] } }

  /// Latents of some examples of one shape, [rows, C, h, w].
  func latents(_ rows: [Int]) -> Tensor { latents(at: Tensor(rows.map(Int64.init)).to(latents.device), like: rows[0]) }

  /// Latents of the shape that row `first` has.
  private func latents(at places: Tensor, like first: Int) -> Tensor {
    let shape = shapes[first]
    return latents.indexed(0, places).narrowed(2, 0, shape[1] * shape[2]).reshaped([places.shape[0]] + shape)
  }

  /// The example whose latent [C, h, w] is nearest to the given one, and the root mean square of their differences; all
  /// have its shape.
  func nearest(to latent: Tensor) -> (row: Int, distance: Double) {
    withNoGrad {
      let known = latents.narrowed(0, 0, min(filled, size))
      let difference = known - latent.reshaped([1, latent.shape[0], -1])
      let distances = (difference * difference).mean([1, 2]).to(.cpu).floats()
      let row = distances.indices.min { distances[$0] < distances[$1] } ?? 0
      return (row, Double(distances[row]).squareRoot())
    }
  }

  /// Random rows of one shape.
  ///
  /// A shape is as frequent as its rows, so that every row is drawn equally often, and any number of them fills a batch.
  func draw(_ count: Int, generator: Generator) -> Example {
    let (rows, first) = randomRows(count, generator)
    let places = rows.to(latents.device)
    let captions = captions.indexed(0, places)
    return Example(
      latents: latents(at: places, like: first), captions: captions.dtype == .int64 ? captions : captions.to(.float32),
      masks: masks.indexed(0, places), labels: hasLabels ? labels.indexed(0, places) : nil,
      ids: ids, rows: rows)
  }

  /// Random rows of one shape, and one that has it.
  private func randomRows(_ count: Int, _ generator: Generator) -> (rows: Tensor, first: Int) {
    let known = min(filled, size)
    func random(_ limit: Int, _ count: Int) -> Tensor { Tensor.randint(0..<limit, [count], generator: generator) }
    // Without another shape no random number is spent on it.
    if hasOneShape { return (random(known, count), 0) }
    let first = random(known, 1).ints()[0]
    let equal = (0..<known).filter { shapes[$0] == shapes[first] }
    let chosen = random(equal.count, count)
    return (Tensor(equal.map(Int64.init)).to(chosen.device).indexed(0, chosen), first)
  }
}

/// A batch for the U-Net.
struct Example {
  let latents: Tensor  // [B, C, h, w], normalized, with latent noise
  let captions: Tensor  // states [B, N, width] of a frozen text encoder, or token ids [B, N] for a trained one
  let masks: Tensor  // [B, N]
  let labels: Tensor?  // [B, h · w]
  let ids: [String]
  var rows: Tensor?  // [B], indices into `ids`, if they are on the device only
  var weights: Tensor?  // [B, 1, 1, 1], of the rows in the loss, with mean 1 over the training images; nil is 1
  var weight = 1.0  // of its loss among those of the step's batches

  /// These examples followed by others that count `weight` times in the loss, whatever the numbers of both.
  ///
  /// The loss of the rows' mean is then that of these examples plus `weight` times that of the others.
  func joined(_ others: Example, weight: Double) -> Example {
    let (own, further) = (latents.shape[0], others.latents.shape[0])
    let total = Double(own + further)
    func column(_ count: Int, _ value: Double) -> Tensor {
      Tensor.full([count, 1, 1, 1], value, device: latents.device)
    }
    func cat(_ field: (Example) -> Tensor) -> Tensor { Tensor.cat([field(self), field(others)]) }
    return Example(
      latents: cat(\.latents), captions: cat(\.captions), masks: cat(\.masks), labels: nil, ids: ids + others.ids,
      rows: rows.flatMap { own in others.rows.map { Tensor.cat([own, ($0 + Double(ids.count)).to(.int64)]) } },
      weights: Tensor.cat([
        column(own, total / Double(own)), column(further, weight * total / Double(further)),
      ]))
  }

  /// The names of the images in messages.
  var names: [String] { rows.map { $0.ints().map { ids[$0] } } ?? ids }
}

/// A micro-batch, or the part of one that a process computes with.
struct DiffusionPiece {
  let noisy: Tensor
  let timesteps: Tensor
  let target: Tensor
  let captions: Tensor  // as in `Example`
  let masks: Tensor
  let labels: Tensor?
  let weights: Tensor?

  /// The rows that `rows` takes of every tensor.
  func part(_ rows: (Tensor) -> Tensor) -> DiffusionPiece {
    DiffusionPiece(
      noisy: rows(noisy), timesteps: rows(timesteps), target: rows(target), captions: rows(captions),
      masks: rows(masks), labels: labels.map(rows), weights: weights.map(rows))
  }

  /// Splits a batch after its noise was drawn, so that splitting does not change random numbers.
  static func cut(_ example: Example, _ noisyBatch: DiffusionLoss.NoisyBatch, into pieces: Int) -> [DiffusionPiece] {
    func parts(_ x: Tensor) -> [Tensor] { x.pieces(pieces) }
    let (noisy, times, targets) = (parts(noisyBatch.noisy), parts(noisyBatch.timesteps), parts(noisyBatch.target))
    let (captions, masks, labels) = (parts(example.captions), parts(example.masks), example.labels.map(parts))
    let both = [noisyBatch.weights, example.weights].compactMap { $0 }
    let weights = both.dropFirst().reduce(both.first) { product, next in product.map { $0 * next } }.map(parts)
    return noisy.indices.map { index in
      DiffusionPiece(
        noisy: noisy[index], timesteps: times[index], target: targets[index], captions: captions[index],
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
  /// The images of a step from the pool, which is filled first and renewed in every step: one batch, with as many
  /// regularization images if there are any, which are a batch of their own where they have another shape.
  ///
  /// So regularization images keep their proportions, and each is used equally often, whatever shapes the training images
  /// have. Cropping them to the step's shape would need every one of them in every shape.
  func pooled(_ step: Int) throws -> [Example] {
    guard let pool = try filledPool(at: step) else { fatalError("nobody asked to stop") }
    let example = draw(from: pool, generator(step, .pool))
    guard let regularizationPool, let settings = plan.regularization else { return [example] }
    var other = draw(from: regularizationPool, generator(step, .regularization))
    if other.latents.shape == example.latents.shape { return [example.joined(other, weight: settings.weight)] }
    other.weight = settings.weight
    return [example, other]
  }

  private func draw(from pool: LatentPool, _ generator: Generator) -> Example {
    let drawn = pool.draw(plan.batch(of: .diffusion), generator: generator)
    return Example(
      latents: noised(drawn.latents, generator), captions: drawn.captions, masks: drawn.masks, labels: drawn.labels,
      ids: drawn.ids, rows: drawn.rows)
  }

  /// The pool at a step; nil if `shouldStop`, called before every block of images, returns true.
  ///
  /// The pool of regularization images is filled, too. Filling takes minutes with large networks on a CPU.
  @discardableResult
  func filledPool(at step: Int, shouldStop: () -> Bool = { false }) throws -> LatentPool? {
    if pool == nil { try openCache() }
    let own = PoolSource(
      examples: examples, name: "images", size: plan.poolSize, renewal: plan.poolRenewal, cache: cache,
      upcoming: upcoming)
    guard let filled = try filled(pool, from: own, at: step, shouldStop) else { return nil }
    if let settings = plan.regularization, let regularization {
      let other = PoolSource(
        examples: regularization, name: "regularization images", size: settings.poolSize,
        renewal: settings.poolRenewal, cache: nil)
      guard let filled = try self.filled(regularizationPool, from: other, at: step, shouldStop) else { return nil }
      regularizationPool = filled
    }
    pool = filled
    return filled
  }

  private func filled(
    _ old: LatentPool?, from source: PoolSource, at step: Int, _ shouldStop: () -> Bool
  ) throws -> LatentPool? {
    let done = step - plan.range(of: .diffusion).lowerBound
    // Images are added in whole blocks, since they are encoded in blocks.
    let newest = source.size + done * source.renewal
    let end = max(source.size, source.examples.block(at: newest).range.lowerBound)
    let pool = old ?? emptyPool(of: source.size, before: end - source.size)
    // Images that others would replace before a batch is drawn are not encoded.
    if pool.filled < end - source.size { pool.skip(to: end - source.size) }
    let (begun, missing) = (Date(), end - pool.filled)
    while pool.filled < end {
      if shouldStop() { return nil }
      // Every process encodes one block, and gets those of the others.
      var blocks = [source.examples.block(at: pool.filled)]
      while blocks.count < group.count, let last = blocks.last, last.range.upperBound < end {
        blocks.append(source.examples.block(at: last.range.upperBound))
      }
      for (block, example) in zip(blocks, try encoded(blocks, source)) {
        let first = block.range.lowerBound
        pool.append(example, rows: pool.filled - first..<min(block.range.upperBound, end) - first)
      }
    }
    if old == nil {
      let seconds = String(format: "%.1f", Date().timeIntervalSince(begun))
      onMessage(
        "\(missing) \(source.name) encoded for the U-Net in \(seconds) s"
          + (source.cache.map { ", \($0.hits) from the cache" } ?? ""))
    }
    return pool
  }

  /// An empty pool that continues at image `first`.
  private func emptyPool(of size: Int, before first: Int) -> LatentPool {
    let c = model.configuration
    let new = LatentPool(
      size: size, latentShape: [c.autoencoder.latentChannels, c.latentSize, c.latentSize],
      tokens: c.adapter.maxTokens, stateWidth: plan.trainsTextEncoder ? nil : 2 * c.adapter.inputWidth,
      device: device)
    new.skip(to: first)
    return new
  }

  /// Latents with latent noise, drawn again at each call.
  func noised(_ latents: Tensor, _ generator: Generator) -> Tensor {
    plan.latentNoise == 0
      ? latents : latents + (Tensor.randn(latents.shape, generator: generator) * plan.latentNoise).to(device)
  }
}
