import Datasets
import Flux
import Images
import Support
import Synchronization
import Torch

/// The images of a folder or archive, in an order that is new in every epoch.
///
/// An unreadable image is replaced by the next one and recorded. Crops that never change stay in memory, up to a limit.
/// With buckets the images of the diffusion stream have several shapes, those of a block have one; all others are square.
final class ImageExamples: TrainingExamples, Sendable {
  private let images: ReadableImages
  private let crop: Crop
  private let mirror: Bool
  private let seed: UInt64
  private let files: ImageFolder
  private let buckets: AspectBuckets?
  private let order: BlockOrder  // of the diffusion stream
  /// Which shapes the images have, for people; nil without buckets.
  let bucketSummary: BucketSummary?
  private let kept = Mutex<[Part: (index: Int, example: CaptionedImage)]>([:])
  private let keptLimit: Int  // bytes

  private struct Part: Hashable {
    let index: Int
    let width: Int
    let height: Int
  }

  /// With `buckets` the headers of all images are read.
  init(
    _ files: ImageFolder, crop: Crop, mirror: Bool, seed: UInt64, buckets: AspectBuckets? = nil,
    keptLimit: Int = 1 << 30
  ) {
    images = ReadableImages(files)
    self.buckets = buckets
    let shapes = ImageShapes(files, buckets)
    order = BlockOrder(shapes.groups, seed: ExampleStream.diffusion.seed(of: seed))
    bucketSummary = shapes.summary
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
    let (width, height) = sides(stream, range, size)
    let chosen = try Parallel.map(visits) { try part($0, width: width, height: height) }
    let focus = range.map { index in
      var random = SplitMix64(seed: stream.seed(of: seed) &+ 0xf0c5, index: UInt64(index))
      return ExampleBatch.Focus(x: random.unit(), y: random.unit())
    }
    let examples = chosen.map(\.example)
    return ExampleBatch(
      images: TensorImage.bytes(examples.map(\.image)), captions: examples.map(\.caption),
      ids: examples.map(\.id), labels: nil, focus: focus, items: chosen.map(\.index))
  }

  func block(at index: Int) -> ExampleBlock {
    order.block(at: index, newInEpochs: isNewAtEveryVisit)
  }

  /// Width and height of the images of a batch, in pixels; with buckets one of the diffusion stream is within a block.
  private func sides(_ stream: ExampleStream, _ range: Range<Int>, _ size: Int) -> (width: Int, height: Int) {
    guard let buckets, stream == .diffusion else { return (size, size) }
    let block = block(at: range.lowerBound)
    guard let bucket = block.bucket, range.upperBound <= block.range.upperBound else {
      fatalError("the images \(range) are not of one block")
    }
    return (bucket.width * size / buckets.side, bucket.height * size / buckets.side)
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
    let shapes = buckets.map { ", aspect buckets of \($0.side)×\($0.side) cells by \($0.multiple)" } ?? ""
    let name = "\(images.source.count) images, \(crop.rawValue) crop\(mirror ? ", mirrored" : "")\(shapes)\(choice)"
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
    let items = EpochOrder(count: count, seed: streamSeed)
    return range.map { index in
      Visit(
        item: stream == .diffusion ? order[index] : items[index],
        seed: streamSeed &+ UInt64(index / count) &* 0x9e37_79b9)
    }
  }

  private func part(
    _ visit: Visit, width: Int, height: Int
  ) throws(DatasetError) -> (index: Int, example: CaptionedImage) {
    let key = Part(index: visit.item, width: width, height: height)
    let isAlwaysTheSame = !isNewAtEveryVisit && images.source.captions(visit.item).count <= 1
    if isAlwaysTheSame, let known = kept.withLock({ $0[key] }) { return known }
    let example = try images.example(
      visit.item, width: width, height: height, crop: crop, mirror: mirror, seed: visit.seed)
    if isAlwaysTheSame {
      kept.withLock { kept in
        if (kept.count + 1) * 3 * width * height <= keptLimit { kept[key] = example }
      }
    }
    return example
  }
}
