import Distributed
import Foundation
import NN
import Support
import Torch

/// Latents and text states on disk, so that an image is encoded once for all runs with the same encoder, and a caption
/// once for all of them.
///
///     manifest.json             identifies the contents; a run that needs others is refused
///     latents/NAME.safetensors  a block of images: latents [B, C, h, w], items [B]
///     texts/HASH.safetensors    states [N, width] in bf16 of captions, by their tokens
///
/// Only outputs of networks are stored: captions, caption dropout and labels are recomputed at every visit. Files are
/// written atomically and name their cache; runs that write the same file write the same bytes, so no lock is needed.
final class LatentCache {
  /// A block of images, encoded.
  struct Block {
    let latents: Tensor  // [B, C, h, w], float32, on the CPU
    let items: [Int]  // indices of the images, as `ExampleBatch.items`
  }

  let captions: CaptionFiles
  private(set) var hits = 0  // images that did not have to be encoded
  private let latents: CacheFolder

  /// Opens a cache, or creates one in a new folder; throws if its manifest differs from `manifest`.
  ///
  /// `say` is called for files that are damaged or cannot be written, which does not stop the run.
  ///
  /// With `isReadOnly` nothing is created or written, and the cache may be empty.
  init(_ folder: URL, manifest: CacheManifest, isReadOnly: Bool = false, say: @escaping (String) -> Void) throws {
    let parts = ["latents", "texts"].map { folder.appendingPathComponent($0) }
    if !isReadOnly { try Self.create(parts) }
    // Another run may create the cache at the same time; then its manifest is the one to compare with.
    let isNew = try !isReadOnly && AtomicFile.create(manifest.json, at: Self.manifest(in: folder))
    if !isNew { try Self.check(folder, manifest) }
    let owner = manifest.digest
    latents = CacheFolder(parts[0], owner: owner, isReadOnly: isReadOnly, say: say)
    captions = CaptionFiles(CacheFolder(parts[1], owner: owner, isReadOnly: isReadOnly, say: say))
  }

  private static func create(_ folders: [URL]) throws(CacheError) {
    for folder in folders {
      do {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      } catch { throw .folder(folder.path) }
    }
  }

  /// Throws if a folder holds a cache with another manifest; `whileEncoderLearns` ignores the encoder, which is still
  /// trained.
  static func check(_ folder: URL, _ manifest: CacheManifest, whileEncoderLearns: Bool = false) throws(CacheError) {
    let url = Self.manifest(in: folder)
    guard FileManager.default.fileExists(atPath: url.path) else { return }
    let found: CacheManifest
    do {
      found = try JSONDecoder().decode(CacheManifest.self, from: Data(contentsOf: url))
    } catch { throw .manifest(file: url.path, reason: "it cannot be read, or fields are missing") }
    let differences = manifest.differences(from: found, whileEncoderLearns: whileEncoderLearns)
    if !differences.isEmpty { throw .other(folder: folder.path, differences) }
  }

  /// A stored block with latents of a shape `[B, C, h, w]`; nil if it is missing or damaged.
  func block(_ name: String, shape: [Int]) -> Block? {
    let block = latents.read(name) { file throws(CacheFile.Damage) in
      Block(
        latents: try file.tensor("latents", shape: shape), items: try file.tensor("items", shape: [shape[0]]).ints())
    }
    if block != nil { hits += shape[0] }
    return block
  }

  /// Stores a block.
  func keep(_ block: Block, _ name: String) {
    let items = Tensor(block.items.map(Int64.init), shape: [block.items.count])
    latents.write([("latents", block.latents), ("items", items)], name)
  }

  private static func manifest(in folder: URL) -> URL { folder.appendingPathComponent("manifest.json") }
}

extension Trainer {
  /// Checks before the first step whether the cache matches the run, as far as this is known, so that a mismatch is not
  /// found after hours of training.
  func checkCache(at step: Int) throws {
    guard let cacheFolder, !plan.range(of: .diffusion).isEmpty else { return }
    let isFrozen = !plan.trainsEncoder || plan.stage(at: step) == .diffusion
    try LatentCache.check(cacheFolder, try manifest(), whileEncoderLearns: !isFrozen)
  }

  /// Opens the cache, if there is one, once the encoder is frozen; only the first of several processes writes to it.
  func openCache() throws {
    guard let cacheFolder else { return }
    func open() throws -> LatentCache {
      try LatentCache(cacheFolder, manifest: try manifest(), isReadOnly: !group.isFirst, say: onWarning)
    }
    try group.inFirst { cache = try open() }
    try group.together { if !group.isFirst { cache = try open() } }
  }

  /// A block's latents from the cache, with the indices and metadata of its images; nil if it must be computed.
  func cached(_ block: ExampleBlock) throws -> (latents: Tensor, items: [Int], metadata: ExampleMetadata)? {
    guard let kept = cache?.block(block.name, shape: latentShape(of: block)),
      let metadata = try examples.metadata(block, items: kept.items, size: baseSize)
    else { return nil }
    return (kept.latents.to(device), kept.items, metadata)
  }

  /// The manifest that a cache must have for the run in its current state.
  private func manifest() throws -> CacheManifest {
    let data = try examples.identity(size: baseSize)
    let statistics: [NamedTensor] = [("mean", model.autoencoder.latentsMean), ("std", model.autoencoder.latentsStd)]
    return CacheManifest(
      encoder: CacheManifest.hash(of: model.autoencoder.encoder.parameters),
      statistics: CacheManifest.hash(of: statistics), data: data.name, images: data.hash, imageSize: baseSize,
      textEncoder: try textEncoderHash.get(), longestCaption: model.configuration.adapter.maxTokens,
      precision: plan.bfloat16 ? "bfloat16" : "float32")
  }
}
