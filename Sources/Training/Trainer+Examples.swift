import Data
import Diffusion
import Torch

/// What a step of the U-Net learns from.
struct Example {
  let latents: Tensor  // [B, C, h, w], normalised, with the little noise that they always have
  let states: Tensor  // [B, N, width]
  let masks: Tensor  // [B, N]
  let labels: Tensor?  // [B, h · w]
  let ids: [String]
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
    let done = step - plan.range(of: .diffusion).lowerBound
    // Whole blocks, always the same ones: a resumed run encodes them with the same neighbours, to the same bits.
    let block = 64
    let end = plan.poolRenewal == 0 ? plan.poolSize : (plan.poolSize + done * plan.poolRenewal) / block * block
    if pool == nil {
      let c = model.configuration
      let new = LatentPool(
        size: plan.poolSize, latentShape: [c.autoencoder.latentChannels, c.latentSize, c.latentSize],
        tokens: c.adapter.maxTokens, stateWidth: 2 * c.adapter.inputWidth, device: device)
      new.skip(to: end - plan.poolSize)
      pool = new
    }
    guard let pool else { fatalError("the pool was just made") }
    while pool.filled < end { pool.append(try encoded(pool.filled..<min(pool.filled + block, end))) }
    let generator = generator(step, .pool)
    let drawn = pool.draw(plan.batch(of: .diffusion), generator: generator)
    return Example(
      latents: noised(drawn.latents, generator), states: drawn.states, masks: drawn.masks, labels: drawn.labels,
      ids: drawn.ids)
  }

  /// Latents with the little noise that the decoder always sees, drawn anew each time.
  func noised(_ latents: Tensor, _ generator: Generator) -> Tensor {
    plan.latentNoise == 0
      ? latents : latents + (Tensor.randn(latents.shape, generator: generator) * plan.latentNoise).to(device)
  }

  /// New pictures through the frozen encoder.
  private func encoded(_ range: Range<Int>) throws -> Example {
    let batch = try load(.diffusion, range, size: coreSize)
    let text = captions(batch.captions, .diffusion, range.lowerBound)
    let latents = withNoGrad {
      inPrecision {
        model.autoencoder.normalised(model.autoencoder.encodeRaw(batch.pictures.to(device)).to(.float32))
      }
    }
    return Example(
      latents: latents, states: text.states, masks: text.masks, labels: batch.labels?.to(device), ids: batch.ids)
  }

  /// Text states of captions, some of them replaced by the empty one, padded to the adapter's longest.
  func captions(_ captions: [String], _ stream: ExampleStream, _ first: Int) -> (states: Tensor, masks: Tensor) {
    var random = SceneRandom(
      seed: stream.seed(of: plan.seed) ^ Purpose.captions.rawValue << 8, index: UInt64(first))
    let kept = captions.map { random.chance(plan.captionDropout) ? "" : $0 }
    let tokens = model.configuration.adapter.maxTokens
    let text = inPrecision { prompts(kept, maxTokens: tokens) }
    let missing = tokens - text.mask.shape[1]  // the encoder reads no more than the longest caption
    func padded(_ x: Tensor) -> Tensor {
      Tensor.cat(
        [x.to(.float32), Tensor.zeros([captions.count, missing] + x.shape.dropFirst(2), device: x.device)], dim: 1)
    }
    return (padded(text.states), padded(text.mask))
  }
}
