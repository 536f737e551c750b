import Datasets
import Flux
import Images
import Support
import Synchronization
import Torch

/// The images of a folder or archive, in an order that is new in every epoch.
///
/// An unreadable image is replaced by the next one and recorded. Crops that never change stay in memory, up to a limit.
final class ImageExamples: TrainingExamples, Sendable {
  private let images: ReadableImages
  private let crop: Crop
  private let mirror: Bool
  private let seed: UInt64
  private let files: ImageFolder
  private let kept = Mutex<[Square: (index: Int, example: CaptionedImage)]>([:])
  private let keptLimit: Int  // bytes

  private struct Square: Hashable {
    let index: Int
    let size: Int
  }

  init(_ files: ImageFolder, crop: Crop, mirror: Bool, seed: UInt64, keptLimit: Int = 1 << 30) {
    images = ReadableImages(files)
    self.files = files
    self.crop = crop
    self.mirror = mirror
    self.seed = seed
    self.keptLimit = keptLimit
  }

  var failures: [String] {
    var named: Set<String> = []  // an image that is repeated is named once
    return images.failed.filter { named.insert($0.id).inserted }.map { "\($0.id): \($0.error)" }
  }

  func batch(_ stream: ExampleStream, _ range: Range<Int>, size: Int) throws -> ExampleBatch {
    let visits = visits(stream, range)
    let chosen = try Parallel.map(visits) { try square($0, size: size) }
    let focus = range.map { index in
      var random = SplitMix64(seed: stream.seed(of: seed) &+ 0xf0c5, index: UInt64(index))
      return ExampleBatch.Focus(x: random.unit(), y: random.unit())
    }
    let squares = chosen.map(\.example)
    return ExampleBatch(
      images: TensorImage.bytes(squares.map(\.image)), captions: squares.map(\.caption),
      ids: squares.map(\.id), labels: nil, focus: focus, items: chosen.map(\.index))
  }

  func block(at index: Int) -> ExampleBlock {
    order(.diffusion).block(at: index, newInEpochs: isNewAtEveryVisit)
  }

  func metadata(_ block: ExampleBlock, items: [Int], size: Int) throws -> ExampleMetadata? {
    var captions: [String] = []
    for (visit, item) in zip(visits(.diffusion, block.range), items) {
      if item != visit.item {
        // An unreadable image was replaced by another; read it to see whether that is still so.
        guard try images.example(visit.item, size: size).index == item else { return nil }
      }
      captions.append(images.source.caption(item, seed: visit.seed))
    }
    return ExampleMetadata(captions: captions, ids: items.map { images.source.id($0) }, labels: nil)
  }

  /// Without the seed if images are the same in every run, so that runs with different seeds share a cache.
  func identity(size: Int) -> (name: String, hash: String) {
    let choice = isNewAtEveryVisit ? ", seed \(seed)" : ""
    let name = "\(images.source.count) images, \(crop.rawValue) crop\(mirror ? ", mirrored" : "")\(choice)"
    return (name, SHA256.hexDigest(Array((name + files.fingerprint()).utf8)))
  }

  /// Whether crops or flips change from visit to visit.
  private var isNewAtEveryVisit: Bool { crop == .random || mirror }

  /// One use of an image; the seed determines its caption, random crop and flip.
  private struct Visit {
    let item: Int
    let seed: UInt64
  }

  private func visits(_ stream: ExampleStream, _ range: Range<Int>) -> [Visit] {
    let streamSeed = stream.seed(of: seed)
    let count = images.source.count
    let (items, blocks) = (EpochOrder(count: count, seed: streamSeed), order(stream))
    return range.map { index in
      Visit(
        item: stream == .diffusion ? blocks[index] : items[index],
        seed: streamSeed &+ UInt64(index / count) &* 0x9e37_79b9)
    }
  }

  private func order(_ stream: ExampleStream) -> BlockOrder {
    BlockOrder(count: images.source.count, seed: stream.seed(of: seed))
  }

  private func square(_ visit: Visit, size: Int) throws(DatasetError) -> (index: Int, example: CaptionedImage) {
    let key = Square(index: visit.item, size: size)
    let isAlwaysTheSame = !isNewAtEveryVisit && images.source.captions(visit.item).count <= 1
    if isAlwaysTheSame, let known = kept.withLock({ $0[key] }) { return known }
    let example = try images.example(visit.item, size: size, crop: crop, mirror: mirror, seed: visit.seed)
    if isAlwaysTheSame {
      kept.withLock { kept in
        if (kept.count + 1) * 3 * size * size <= keptLimit { kept[key] = example }
      }
    }
    return example
  }
}
