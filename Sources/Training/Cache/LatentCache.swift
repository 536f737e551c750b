import Foundation
import NN
import Support
import Torch

/// Latents and text states on disk, so that a picture is encoded once for all runs with the same encoder, and a caption
/// once for all of them.
///
///     manifest.json             what the cache is of; a run that needs anything else is refused
///     latents/NAME.safetensors  a block of pictures: latents [B, C, h, w], items [B]
///     texts/HASH.safetensors    states [N, width] in bf16 of captions, by their tokens
///
/// Only what networks made is kept: captions, the dropping of captions, and what stands in a cell are made anew at every
/// visit, and can therefore not be those of another visit. Every file appears whole or not at all and says what it
/// belongs to; two runs that make the same file make the same bytes, so that nothing needs a lock.
final class LatentCache {
  /// A block of pictures, encoded.
  struct Block {
    let latents: Tensor  // [B, C, h, w], float32, on the CPU
    let items: [Int]  // which pictures these are, as `ExampleBatch.items`
  }

  let captions: CaptionFiles
  private(set) var hits = 0  // pictures that did not have to be encoded
  private let latents: CacheFolder

  /// Opens a cache, or begins one in a new folder; throws where it is not of `manifest`.
  ///
  /// `say` hears of files that are damaged or cannot be written, none of which ends a run.
  init(_ folder: URL, manifest: CacheManifest, say: @escaping (String) -> Void) throws {
    let parts = ["latents", "texts"].map { folder.appendingPathComponent($0) }
    for part in parts {
      do {
        try FileManager.default.createDirectory(at: part, withIntermediateDirectories: true)
      } catch { throw CacheError.folder(part.path) }
    }
    // Another run may begin the cache at the same moment: then its manifest is the one that counts.
    let isNew = try AtomicFile.create(manifest.json, at: Self.manifest(in: folder))
    if !isNew { try Self.check(folder, manifest) }
    let owner = manifest.digest
    latents = CacheFolder(parts[0], owner: owner, say: say)
    captions = CaptionFiles(CacheFolder(parts[1], owner: owner, say: say))
  }

  /// Throws where a folder holds a cache that is not of `manifest`; `whileEncoderLearns` leaves out what a run does not
  /// know yet.
  static func check(_ folder: URL, _ manifest: CacheManifest, whileEncoderLearns: Bool = false) throws(CacheError) {
    let url = Self.manifest(in: folder)
    guard FileManager.default.fileExists(atPath: url.path) else { return }
    let found: CacheManifest
    do {
      found = try JSONDecoder().decode(CacheManifest.self, from: Data(contentsOf: url))
    } catch { throw .manifest(file: url.path, reason: "it cannot be read, or has not the fields of one") }
    let differences = manifest.differences(from: found, whileEncoderLearns: whileEncoderLearns)
    if !differences.isEmpty { throw .other(folder: folder.path, differences) }
  }

  /// The block of a name with latents of a shape `[B, C, h, w]`; nil where it is not there, or damaged.
  func block(_ name: String, shape: [Int]) -> Block? {
    let block = latents.read(name) { file throws(CacheFile.Damage) in
      Block(
        latents: try file.tensor("latents", shape: shape), items: try file.tensor("items", shape: [shape[0]]).ints())
    }
    if block != nil { hits += shape[0] }
    return block
  }

  /// Keeps a block.
  func keep(_ block: Block, _ name: String) {
    let items = Tensor(block.items.map(Int64.init), shape: [block.items.count])
    latents.write([("latents", block.latents), ("items", items)], name)
  }

  private static func manifest(in folder: URL) -> URL { folder.appendingPathComponent("manifest.json") }
}

extension Trainer {
  /// Says before the first step of a call whether the cache is of the run's encoder and data, as far as this is known:
  /// hours of training should not end in a refusal.
  func checkCache(at step: Int) throws {
    guard let cacheFolder, !plan.range(of: .diffusion).isEmpty else { return }
    let isFrozen = !plan.trainsEncoder || plan.stage(at: step) == .diffusion
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
