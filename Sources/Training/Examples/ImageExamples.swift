import Datasets
import Flux
import Images
import Support
import Synchronization
import Torch

/// People's own pictures, again and again in an order that is new in every epoch.
///
/// What cannot be read is replaced by the next picture and remembered. Squares that are always the same stay in memory,
/// up to a limit.
final class PictureExamples: TrainingExamples, Sendable {
  private let pictures: ReadablePictures
  private let crop: Crop
  private let mirror: Bool
  private let seed: UInt64
  private let files: PictureFiles
  private let kept = Mutex<[Square: (index: Int, picture: CaptionedPicture)]>([:])
  private let keptLimit: Int  // bytes

  private struct Square: Hashable {
    let index: Int
    let size: Int
  }

  init(_ files: PictureFiles, crop: Crop, mirror: Bool, seed: UInt64, keptLimit: Int = 1 << 30) {
    pictures = ReadablePictures(files)
    self.files = files
    self.crop = crop
    self.mirror = mirror
    self.seed = seed
    self.keptLimit = keptLimit
  }

  var failures: [String] { pictures.failed.map { "\($0.id): \($0.error)" } }

  func batch(_ stream: ExampleStream, _ range: Range<Int>, size: Int) throws -> ExampleBatch {
    let visits = visits(stream, range)
    let chosen = try Parallel.map(visits) { try square($0, size: size) }
    let focus = range.map { index in
      var random = SplitMix64(seed: stream.seed(of: seed) &+ 0xf0c5, index: UInt64(index))
      return ExampleBatch.Focus(x: random.unit(), y: random.unit())
    }
    let squares = chosen.map(\.picture)
    return ExampleBatch(
      pictures: TensorImage.bytes(squares.map(\.image)), captions: squares.map(\.caption),
      ids: squares.map(\.id), labels: nil, focus: focus, items: chosen.map(\.index))
  }

  func block(at index: Int) -> ExampleBlock {
    order(.diffusion).block(at: index, newInEpochs: isNewAtEveryVisit)
  }

  func words(_ block: ExampleBlock, items: [Int], size: Int) throws -> ExampleWords? {
    var captions: [String] = []
    for (visit, item) in zip(visits(.diffusion, block.range), items) {
      if item != visit.item {
        // Another picture stood in for one that could not be read: whether it still does, reading says.
        guard try pictures.picture(visit.item, size: size).index == item else { return nil }
      }
      captions.append(pictures.source.caption(item, seed: visit.seed))
    }
    return ExampleWords(captions: captions, ids: items.map { pictures.source.id($0) }, labels: nil)
  }

  /// Where pictures are the same in every run, the seed is left out, so that runs of several seeds share a cache.
  func identity(size: Int) -> (name: String, hash: String) {
    let choice = isNewAtEveryVisit ? ", seed \(seed)" : ""
    let name = "\(pictures.source.count) pictures, \(crop.rawValue) crop\(mirror ? ", mirrored" : "")\(choice)"
    return (name, SHA256.hexDigest(Array((name + files.fingerprint()).utf8)))
  }

  /// Whether a picture is cut or mirrored in another way each time.
  private var isNewAtEveryVisit: Bool { crop == .random || mirror }

  /// One showing of a picture; the seed decides its caption, its place in a random crop, and its mirroring.
  private struct Visit {
    let item: Int
    let seed: UInt64
  }

  private func visits(_ stream: ExampleStream, _ range: Range<Int>) -> [Visit] {
    let streamSeed = stream.seed(of: seed)
    let count = pictures.source.count
    let (items, blocks) = (EpochOrder(count: count, seed: streamSeed), order(stream))
    return range.map { index in
      Visit(
        item: stream == .diffusion ? blocks[index] : items[index],
        seed: streamSeed &+ UInt64(index / count) &* 0x9e37_79b9)
    }
  }

  private func order(_ stream: ExampleStream) -> BlockOrder {
    BlockOrder(count: pictures.source.count, seed: stream.seed(of: seed))
  }

  private func square(_ visit: Visit, size: Int) throws(DataError) -> (index: Int, picture: CaptionedPicture) {
    let key = Square(index: visit.item, size: size)
    let isAlwaysTheSame = !isNewAtEveryVisit && pictures.source.captions(visit.item).count <= 1
    if isAlwaysTheSame, let known = kept.withLock({ $0[key] }) { return known }
    let picture = try pictures.picture(visit.item, size: size, crop: crop, mirror: mirror, seed: visit.seed)
    if isAlwaysTheSame {
      kept.withLock { kept in
        if (kept.count + 1) * 3 * size * size <= keptLimit { kept[key] = picture }
      }
    }
    return picture
  }
}
