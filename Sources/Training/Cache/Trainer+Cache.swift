import Foundation
import NN
import Torch

extension Trainer {
  /// Says before the first step of a call whether the cache is of the run's encoder and data, as far as this is known:
  /// hours of training should not end in a refusal.
  func checkCache(at step: Int) throws {
    guard let cacheFolder, !plan.range(of: .diffusion).isEmpty else { return }
    let isFrozen = plan.start != nil || plan.stage(at: step) == .diffusion
    try LatentCache.check(cacheFolder, try manifest(), whileEncoderLearns: !isFrozen)
  }

  /// Opens the cache, if there is to be one, once the encoder is frozen.
  func openCache() throws {
    guard let cacheFolder else { return }
    cache = try LatentCache(cacheFolder, manifest: try manifest(), say: notice)
  }

  /// A block's latents from the cache, with what is said about its pictures; nil where it has to be made.
  func cached(_ block: ExampleBlock) throws -> (Tensor, ExampleWords)? {
    let c = model.configuration
    let shape = [block.range.count, c.autoencoder.latentChannels, c.latentSize, c.latentSize]
    guard let kept = cache?.block(block.name, shape: shape),
      let words = try examples.words(block, items: kept.items, size: coreSize)
    else { return nil }
    return (kept.latents.to(device), words)
  }

  /// What a cache has to be of, to serve this run as it is now.
  private func manifest() throws -> CacheManifest {
    let data = try examples.identity(size: coreSize)
    let statistics: [NamedTensor] = [("mean", model.autoencoder.latentsMean), ("std", model.autoencoder.latentsStd)]
    return CacheManifest(
      encoder: CacheManifest.hash(of: model.autoencoder.encoder.parameters),
      statistics: CacheManifest.hash(of: statistics), data: data.name, pictures: data.hash, pictureSize: coreSize,
      textEncoder: try textEncoderHash.get(), longestCaption: model.configuration.adapter.maxTokens,
      precision: plan.bfloat16 ? "bfloat16" : "float32")
  }
}
