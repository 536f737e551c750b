import Data
import Flux
import Raster
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
  private let kept = Mutex<[Square: CaptionedPicture]>([:])
  private let keptLimit: Int  // bytes

  private struct Square: Hashable {
    let index: Int
    let size: Int
  }

  init(_ files: PictureFiles, crop: Crop, mirror: Bool, seed: UInt64, keptLimit: Int = 1 << 30) {
    pictures = ReadablePictures(files)
    self.crop = crop
    self.mirror = mirror
    self.seed = seed
    self.keptLimit = keptLimit
  }

  var failures: [String] { pictures.failed.map { "\($0.id): \($0.error)" } }

  func batch(_ stream: ExampleStream, _ range: Range<Int>, size: Int) throws -> ExampleBatch {
    let streamSeed = stream.seed(of: seed)
    let order = EpochOrder(count: pictures.source.count, seed: streamSeed)
    let chosen = try Parallel.map(Array(range)) { index in
      let epoch = UInt64(index / pictures.source.count)
      return try square(order[index], size: size, seed: streamSeed &+ epoch &* 0x9e37_79b9)
    }
    let focus = range.map { index in
      var random = SceneRandom(seed: streamSeed &+ 0xf0c5, index: UInt64(index))
      return ExampleBatch.Focus(x: random.unit(), y: random.unit())
    }
    return ExampleBatch(
      pictures: TensorImage.tensor(chosen.map(\.image)), captions: chosen.map(\.caption),
      ids: chosen.map(\.id), labels: nil, focus: focus)
  }

  private func square(_ index: Int, size: Int, seed: UInt64) throws(DataError) -> CaptionedPicture {
    let key = Square(index: index, size: size)
    let isAlwaysTheSame = crop == .centre && !mirror && pictures.source.captions(index).count <= 1
    if isAlwaysTheSame, let known = kept.withLock({ $0[key] }) { return known }
    let picture = try pictures.picture(index, size: size, crop: crop, mirror: mirror, seed: seed)
    if isAlwaysTheSame {
      kept.withLock { kept in
        if (kept.count + 1) * 3 * size * size <= keptLimit { kept[key] = picture }
      }
    }
    return picture
  }
}
