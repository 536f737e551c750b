import Distributed
import Support
import Torch

// The blocks of images that a pool is filled with: encoded, or from the cache.

/// The images of a pool, and their number.
struct PoolSource {
  let examples: any TrainingExamples
  let name: String  // of the images in messages
  let size: Int
  let renewal: Int
  let cache: LatentCache?
  var upcoming: UpcomingBlocks?
}

/// A block of images as latents.
private struct EncodedBlock {
  let latents: Tensor  // [B, C, h, w], float32
  let items: [Int]  // as `ExampleBatch.items`
  let metadata: ExampleMetadata
  let isCached: Bool
}

extension Trainer {
  /// Blocks for the pool, at most one for each process: each encodes one and gets the others.
  func encoded(_ blocks: [ExampleBlock], _ source: PoolSource) throws -> [Example] {
    let own = try group.together {
      blocks.indices.contains(group.rank) ? try encoded(blocks[group.rank], source) : nil
    }
    return try blocks.enumerated().map { owner, block in
      let encoded = try group.count == 1 ? own : exchanged(own, block, from: owner, source)
      guard let encoded else { fatalError("block \(owner) was encoded by no process") }
      if group.isFirst, !encoded.isCached {
        source.cache?.keep(LatentCache.Block(latents: encoded.latents.to(.cpu), items: encoded.items), block.name)
      }
      let metadata = encoded.metadata
      let text = captions(metadata.captions, .diffusion, block.range.lowerBound, files: source.cache?.captions)
      return Example(
        latents: encoded.latents, captions: text.captions, masks: text.masks, labels: metadata.labels?.to(device),
        ids: metadata.ids)
    }
  }

  private func encoded(_ block: ExampleBlock, _ source: PoolSource) throws -> EncodedBlock {
    if source.cache != nil, let known = try cached(block) {
      return EncodedBlock(latents: known.latents, items: known.items, metadata: known.metadata, isCached: true)
    }
    let batch = try load(.diffusion, block.range, size: baseSize, from: source.examples, ahead: source.upcoming)
    let latents = withNoGrad {
      inPrecision {
        model.autoencoder.normalized(model.autoencoder.encodeRaw(batch.images.to(device)).to(.float32))
      }
    }
    let metadata = ExampleMetadata(captions: batch.captions, ids: batch.ids, labels: batch.labels)
    return EncodedBlock(latents: latents, items: batch.items, metadata: metadata, isCached: false)
  }

  /// The block that process `owner` has encoded; the others read only the metadata of its images.
  private func exchanged(
    _ own: EncodedBlock?, _ block: ExampleBlock, from owner: Int, _ source: PoolSource
  ) throws -> EncodedBlock? {
    let isOwner = owner == group.rank
    let latents = isOwner ? own?.latents : nil
    let received = latents?.contiguous() ?? Tensor.zeros(latentShape(of: block), device: device)
    group.broadcast([received], from: owner)
    let numbers = Tensor(((isOwner ? own?.items : nil) ?? []).map(Int64.init) + [own?.isCached == true ? 1 : 0])
    let bytes = group.broadcast(numbers.bytes(), from: owner)
    let all = bytes.withUnsafeBytes { Tensor(bytes: $0, shape: [bytes.count / 8], dtype: .int64) }.ints()
    let items = Array(all.dropLast())
    return try group.together {
      if isOwner { return own }
      guard let metadata = try source.examples.metadata(block, items: items, size: baseSize) else {
        throw TrainingError.otherImages(process: group.rank + 1)
      }
      return EncodedBlock(latents: received, items: items, metadata: metadata, isCached: all.last == 1)
    }
  }

  /// The shape [B, C, h, w] of a block's latents.
  func latentShape(of block: ExampleBlock) -> [Int] {
    let (channels, side) = (model.configuration.autoencoder.latentChannels, model.configuration.latentSize)
    return [block.range.count, channels, block.bucket?.height ?? side, block.bucket?.width ?? side]
  }

  /// This process's images of a batch that is split into `pieces` micro-batches; an error in one process is one in all.
  func loadOwn(_ stream: ExampleStream, _ batch: Range<Int>, size: Int, pieces: Int = 1) throws -> ExampleBatch {
    try group.together {
      ExampleBatch.joined(try group.own(batch, pieces: pieces).map { try load(stream, $0, size: size) })
    }
  }

  /// Captions after caption dropout, as `Example` has them, padded to the adapter's maximum length.
  ///
  /// The captions are those `at` ranges of a batch of `count`, or all of it: a caption is dropped whatever others are.
  func captions(
    _ captions: [String], _ stream: ExampleStream, _ first: Int, of count: Int? = nil, at own: [Range<Int>]? = nil,
    files: CaptionFiles? = nil
  ) -> (captions: Tensor, masks: Tensor) {
    var random = SplitMix64(
      seed: stream.seed(of: plan.seed) ^ Purpose.captions.rawValue << 8, index: UInt64(first))
    let drops = (0..<(count ?? captions.count)).map { _ in random.chance(plan.captionDropout) }
    let ownDrops = own?.flatMap { drops[$0] } ?? drops
    return captionInput(zip(captions, ownDrops).map { $1 ? "" : $0 }, files: files)
  }

  /// States of captions, or their token ids if the text encoder is trained.
  func captionInput(_ captions: [String], files: CaptionFiles? = nil) -> (captions: Tensor, masks: Tensor) {
    if plan.trainsTextEncoder { return texts.tokens(captions) }
    let text = texts(captions, files: files)
    return (text.states, text.masks)
  }
}
