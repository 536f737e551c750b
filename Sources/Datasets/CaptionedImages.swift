import Images
import Support
import Synchronization

/// A picture and what its caption says.
public struct CaptionedPicture: Sendable, Equatable {
  public let id: String
  public let image: Image  // RGB
  public let caption: String

  public init(id: String, image: Image, caption: String) {
    self.id = id
    self.image = image
    self.caption = caption
  }
}

/// Pictures with captions by index: what training draws its batches from.
public protocol PictureSource: Sendable {
  /// Number of pictures.
  var count: Int { get }
  /// Names the content, in 64 hexadecimal digits: equal digests mean the same pictures and captions in the same order.
  var digest: String { get }
  /// The name of picture `index`, of which there is one in the source.
  func id(_ index: Int) -> String
  /// Everything that is said about picture `index`; may be nothing.
  func captions(_ index: Int) -> [String]
  /// Picture `index` whole and upright, in the channels of its file.
  func image(_ index: Int) throws(DataError) -> Image
  /// Runs `body` with `image(index)`; a source may bound the memory of images that several threads hold in it.
  func withImage<Result>(_ index: Int, _ body: (Image) -> Result) throws(DataError) -> Result
}

extension PictureSource {
  public func withImage<Result>(_ index: Int, _ body: (Image) -> Result) throws(DataError) -> Result {
    body(try image(index))
  }
}

extension PictureSource {
  /// Picture `index` as training sees it, `size` pixels wide and high: a square of it, resized, over white where it is
  /// transparent, with one of its captions, or "" where it has none.
  ///
  /// - Parameters:
  ///   - index: its place in the source, 0 ..< `count`.
  ///   - size: pixels on each side.
  ///   - crop: which square.
  ///   - mirror: whether every other picture has left and right exchanged, unless its caption speaks of them.
  ///   - seed: the place of a random crop, the caption and the mirroring depend on it and `index` alone.
  public func picture(
    _ index: Int, size: Int, crop: Crop = .centre, mirror: Bool = false, seed: UInt64 = 0
  ) throws(DataError) -> CaptionedPicture {
    var random = SplitMix64(seed: seed, index: UInt64(index))
    let caption = caption(index, &random)
    let isMirrored = mirror && random.chance(0.5) && Mirroring.isAllowed(for: caption)
    let square = try withImage(index) { crop.square(of: $0, size: size, &random) }
    return CaptionedPicture(id: id(index), image: isMirrored ? square.mirrored : square, caption: caption)
  }

  /// The caption that `picture` gives, without reading the picture.
  public func caption(_ index: Int, seed: UInt64 = 0) -> String {
    var random = SplitMix64(seed: seed, index: UInt64(index))
    return caption(index, &random)
  }

  private func caption(_ index: Int, _ random: inout SplitMix64) -> String {
    let captions = captions(index)
    return captions.isEmpty ? "" : random.pick(captions)
  }
}

/// Which square of a picture is taken; its side is the picture's shorter one.
public enum Crop: String, Sendable, Codable, CaseIterable {
  case centre
  case random

  /// The square, `size` pixels wide and high, in RGB over white.
  ///
  /// Lanczos both ways: sharp when shrinking, which is nearly always.
  public func square(of image: Image, size: Int, _ random: inout SplitMix64) -> Image {
    let side = min(image.width, image.height)
    func start(_ slack: Int) -> Int { self == .centre ? slack / 2 : random.below(slack + 1) }
    let (left, top) = (start(image.width - side), start(image.height - side))
    return image.cropped(left: left, top: top, width: side, height: side)
      .composited(on: Colour(255, 255, 255))
      .resized(width: size, height: size, filter: .lanczos)
  }
}

/// When exchanging left and right leaves a caption true.
public enum Mirroring {
  /// False where a word begins with "left" or "right": rather too careful than wrong.
  public static func isAllowed(for caption: String) -> Bool {
    !caption.lowercased().split { !$0.isLetter }.contains { $0.hasPrefix("left") || $0.hasPrefix("right") }
  }
}

/// Pictures for training, which should not end at one that cannot be read: the next takes its place, and the failure is
/// remembered.
public final class ReadablePictures: Sendable {
  /// A picture that could not be read, and why.
  public struct Failure: Sendable {
    public let id: String
    public let error: DataError
  }

  public let source: any PictureSource
  private let failures = Mutex<[Int: DataError]>([:])  // by index

  public init(_ source: any PictureSource) { self.source = source }

  /// What could not be read up to now, in the order of the source.
  public var failed: [Failure] {
    failures.withLock { $0 }.sorted { $0.key < $1.key }.map { Failure(id: source.id($0.key), error: $0.value) }
  }

  /// Picture `index` as `PictureSource.picture` gives it, or the first after it that can be read, with its index; throws
  /// when none can.
  ///
  /// Which picture comes depends on the files alone, not on what was asked for before.
  public func picture(
    _ index: Int, size: Int, crop: Crop = .centre, mirror: Bool = false, seed: UInt64 = 0
  ) throws(DataError) -> (index: Int, picture: CaptionedPicture) {
    for step in 0..<source.count {
      let candidate = (index + step) % source.count
      if failures.withLock({ $0[candidate] }) != nil { continue }
      do {
        return (candidate, try source.picture(candidate, size: size, crop: crop, mirror: mirror, seed: seed))
      } catch {
        failures.withLock { $0[candidate] = error }
      }
    }
    throw .nothingReadable(count: source.count, first: failed.first?.error.description ?? "nothing")
  }
}

/// Why pictures with captions cannot be had.
public enum DataError: Error, CustomStringConvertible, Sendable, Equatable {
  case missing(path: String)
  case noPictures(path: String, found: String)
  case malformed(file: String, line: Int, reason: String)
  case record(file: String, reason: String)
  case file(FileError)
  case archive(TarError)
  case picture(RasterError)
  case nothingReadable(count: Int, first: String)

  public var description: String {
    switch self {
    case .missing(let path): "\(path) does not exist"
    case .noPictures(let path, let found):
      "\(path) holds no pictures to learn from: Flux looks for metadata.jsonl or metadata.csv, for .tar archives, and for "
        + ".jpg, .jpeg, .png and .webp files beside .txt files of the same name, and found \(found)"
    case .malformed(let file, let line, let reason): "\(file), line \(line): \(reason)"
    case .record(let file, let reason): "\(file): \(reason)"
    case .file(let error): error.description
    case .archive(let error): error.description
    case .picture(let error): error.description
    case .nothingReadable(let count, let first):
      "none of the \(count) pictures can be read; the first says: \(first)"
    }
  }
}
