import Images
import Support
import Synchronization

/// An image with its caption.
public struct CaptionedImage: Sendable, Equatable {
  /// Name of the image, unique in its source.
  public let id: String
  /// The image in RGB, without transparency.
  public let image: Image
  /// One of the image's captions, or "" if it has none.
  public let caption: String

  /// An image of three channels with its caption; `id` is unique in its source.
  public init(id: String, image: Image, caption: String) {
    self.id = id
    self.image = image
    self.caption = caption
  }
}

/// Indexed images with captions.
public protocol CaptionedImages: Sendable {
  /// Number of images.
  var count: Int { get }
  /// Identifies the content, in 64 hexadecimal digits: equal digests mean equal images and captions in the same order.
  var digest: String { get }
  /// The unique name of image `index`.
  func id(_ index: Int) -> String
  /// All captions of image `index`; may be empty.
  func captions(_ index: Int) -> [String]
  /// The uncropped, upright image `index`, with the channels of its file.
  func image(_ index: Int) throws(DatasetError) -> Image
  /// Runs `body` with `image(index)`; a source may limit the memory of images in use by several threads.
  func withImage<Result>(_ index: Int, _ body: (Image) -> Result) throws(DatasetError) -> Result
}

extension CaptionedImages {
  /// Runs `body` with `image(index)`, without a limit on memory.
  public func withImage<Result>(_ index: Int, _ body: (Image) -> Result) throws(DatasetError) -> Result {
    body(try image(index))
  }
}

extension CaptionedImages {
  /// Image `index` for training, `size` pixels wide and high: a square crop, resized, over white where it is transparent,
  /// with one of its captions, or "" if it has none.
  ///
  /// - Parameters:
  ///   - index: the image's index in the source, 0 ..< `count`.
  ///   - size: the width and height in pixels.
  ///   - crop: the square crop.
  ///   - mirror: whether every other image is flipped horizontally, unless its caption mentions left or right.
  ///   - seed: random crop, caption and flip depend only on it and `index`.
  public func example(
    _ index: Int, size: Int, crop: Crop = .center, mirror: Bool = false, seed: UInt64 = 0
  ) throws(DatasetError) -> CaptionedImage {
    try example(index, width: size, height: size, crop: crop, mirror: mirror, seed: seed)
  }

  /// Image `index` for training, `width` × `height` pixels: as the square one, with a crop of these proportions.
  public func example(
    _ index: Int, width: Int, height: Int, crop: Crop = .center, mirror: Bool = false, seed: UInt64 = 0
  ) throws(DatasetError) -> CaptionedImage {
    var random = SplitMix64(seed: seed, index: UInt64(index))
    let caption = caption(index, &random)
    let isMirrored = mirror && random.chance(0.5) && Mirroring.isAllowed(for: caption)
    let part = try withImage(index) { crop.part(of: $0, width: width, height: height, &random) }
    return CaptionedImage(id: id(index), image: isMirrored ? part.mirrored : part, caption: caption)
  }

  /// The caption of `example`, without reading the image.
  public func caption(_ index: Int, seed: UInt64 = 0) -> String {
    var random = SplitMix64(seed: seed, index: UInt64(index))
    return caption(index, &random)
  }

  private func caption(_ index: Int, _ random: inout SplitMix64) -> String {
    let captions = captions(index)
    return captions.isEmpty ? "" : random.pick(captions)
  }
}

/// The crop of an image: the largest part with the proportions of the training images, which are square by default.
public enum Crop: String, Sendable, Codable, CaseIterable {
  /// The middle of the longer side.
  case center
  /// A uniformly random position along the longer side.
  case random

  /// The square, `size` pixels wide and high, in RGB over white.
  ///
  /// Resized with a Lanczos filter.
  public func square(of image: Image, size: Int, _ random: inout SplitMix64) -> Image {
    part(of: image, width: size, height: size, &random)
  }

  /// The largest part with the proportions of `width` × `height`, to a pixel, resized to them, in RGB over white.
  ///
  /// Resized with a Lanczos filter.
  public func part(of image: Image, width: Int, height: Int, _ random: inout SplitMix64) -> Image {
    /// `a` · `b` / `c`, rounded, and at least one pixel.
    func scaled(_ a: Int, by b: Int, over c: Int) -> Int { max(1, (2 * a * b + c) / (2 * c)) }
    let isWider = image.width * height >= image.height * width
    let across = isWider ? scaled(image.height, by: width, over: height) : image.width
    let down = isWider ? image.height : scaled(image.width, by: height, over: width)
    func start(_ slack: Int) -> Int { self == .center ? slack / 2 : random.below(slack + 1) }
    let (left, top) = (start(image.width - across), start(image.height - down))
    return image.cropped(left: left, top: top, width: across, height: down)
      .composited(on: Color(255, 255, 255))
      .resized(width: width, height: height, filter: .lanczos)
  }
}

/// Horizontal flips that keep captions true.
public enum Mirroring {
  /// False if a word begins with "left" or "right", which is rather too strict than wrong.
  public static func isAllowed(for caption: String) -> Bool {
    !caption.lowercased().split { !$0.isLetter }.contains { $0.hasPrefix("left") || $0.hasPrefix("right") }
  }
}

/// Images for training: an unreadable image is replaced by the next one and recorded.
public final class ReadableImages: Sendable {
  /// An image that could not be read, and why.
  public struct Failure: Sendable {
    /// Name of the image in its source.
    public let id: String
    /// The error of the first attempt to read it.
    public let error: DatasetError
  }

  /// The images, readable or not.
  public let source: any CaptionedImages
  private let failures = Mutex<[Int: DatasetError]>([:])  // by index

  /// Images of a source, none of which has been read yet.
  public init(_ source: any CaptionedImages) { self.source = source }

  /// Images that could not be read so far, in the order of the source.
  public var failed: [Failure] {
    failures.withLock { $0 }.sorted { $0.key < $1.key }.map { Failure(id: source.id($0.key), error: $0.value) }
  }

  /// Image `index` as `CaptionedImages.example` gives it, or the first after it that can be read, with its index; throws
  /// when none can.
  ///
  /// The result depends only on the files, not on earlier calls.
  public func example(
    _ index: Int, size: Int, crop: Crop = .center, mirror: Bool = false, seed: UInt64 = 0
  ) throws(DatasetError) -> (index: Int, example: CaptionedImage) {
    try example(index, width: size, height: size, crop: crop, mirror: mirror, seed: seed)
  }

  /// The same with a crop of other proportions, `width` × `height` pixels, which an image that stands in gets, too.
  public func example(
    _ index: Int, width: Int, height: Int, crop: Crop = .center, mirror: Bool = false, seed: UInt64 = 0
  ) throws(DatasetError) -> (index: Int, example: CaptionedImage) {
    for step in 0..<source.count {
      let candidate = (index + step) % source.count
      if failures.withLock({ $0[candidate] }) != nil { continue }
      do {
        let example = try source.example(
          candidate, width: width, height: height, crop: crop, mirror: mirror, seed: seed)
        return (candidate, example)
      } catch {
        failures.withLock { $0[candidate] = error }
      }
    }
    throw .nothingReadable(count: source.count, first: failed.first?.error.description ?? "nothing")
  }
}

/// An error in a data set of captioned images.
public enum DatasetError: Error, CustomStringConvertible, Sendable, Equatable {
  /// The folder or archive does not exist.
  case missing(path: String)
  /// The folder or archive holds no images; `found` says what it holds instead.
  case noImages(path: String, found: String)
  /// Images are to be repeated by folder names, and no folder has such a name.
  case noRepeats(path: String)
  /// A folder's images are to be repeated too often.
  case manyRepeats(folder: String, most: Int)
  /// A metadata file has an invalid line, counted from 1.
  case malformed(file: String, line: Int, reason: String)
  /// A captions file of an archive is not valid; `file` is its path within the archive's.
  case record(file: String, reason: String)
  /// A file of the data set cannot be read.
  case file(FileError)
  /// An archive is damaged or cannot be read.
  case archive(TarError)
  /// An image is damaged, too large or of an unsupported format.
  case image(ImageError)
  /// None of `count` images can be read; `first` is the first error.
  case nothingReadable(count: Int, first: String)

  public var description: String {
    switch self {
    case .missing(let path): "\(path) does not exist"
    case .noImages(let path, let found):
      "\(path) has no images: Flux looks for metadata.jsonl or metadata.csv, for .tar archives, and for .jpg, .jpeg, .png "
        + "and .webp files with .txt files of the same name, and found \(found)"
    case .noRepeats(let path):
      "\(path) has no folder named N_NAME, such as 10_cats, whose images could be repeated N times"
    case .manyRepeats(let folder, let most):
      "the images of \(folder) cannot be repeated as its name says: the most is \(most) times"
    case .malformed(let file, let line, let reason): "\(file), line \(line): \(reason)"
    case .record(let file, let reason): "\(file): \(reason)"
    case .file(let error): error.description
    case .archive(let error): error.description
    case .image(let error): error.description
    case .nothingReadable(let count, let first):
      "none of the \(count) images can be read; first error: \(first)"
    }
  }
}
