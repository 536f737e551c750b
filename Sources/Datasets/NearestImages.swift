import Images
import Support

/// The images of a data set, to be searched for the one that looks most like another image.
///
/// A generated image that is close to a training image may be a copy of it. Images are compared as square thumbnails, so
/// that sharpness, compression and small details do not count.
public struct NearestImages: Sendable {
  /// A thumbnail's width and height in pixels.
  public static let side = 32

  /// An image of the data set and its distance.
  public struct Match: Sendable, Equatable {
    /// Index of the image in the data set.
    public let index: Int
    /// Root mean square of the differences of the thumbnails' pixels, 0 (the same) to 255.
    public let distance: Double
    /// Whether the image is nearest when it is flipped horizontally.
    public let isMirrored: Bool
  }

  /// Images that could not be read, each with the reason.
  public let failures: [ReadableImages.Failure]
  private let thumbnails: [(index: Int, pixels: [UInt8])]

  /// Reads all images on all cores; throws if none can be read.
  ///
  /// - Parameters:
  ///   - source: the images to search.
  ///   - progress: called with the number of images done.
  public init(_ source: any CaptionedImages, progress: (Int) -> Void = { _ in }) throws(DatasetError) {
    var thumbnails: [(index: Int, pixels: [UInt8])] = []
    var failures: [ReadableImages.Failure] = []
    for start in stride(from: 0, to: source.count, by: 64) {
      let range = start..<min(start + 64, source.count)
      let read = Parallel.map(Array(range)) { index in
        do throws(DatasetError) {
          return Result<[UInt8], DatasetError>.success(try source.withImage(index) { Self.thumbnail($0) })
        } catch { return .failure(error) }
      }
      for (index, result) in zip(range, read) {
        switch result {
        case .success(let pixels): thumbnails.append((index, pixels))
        case .failure(let error): failures.append(ReadableImages.Failure(id: source.id(index), error: error))
        }
      }
      progress(range.upperBound)
    }
    guard !thumbnails.isEmpty else {
      throw .nothingReadable(count: source.count, first: failures.first?.error.description ?? "nothing")
    }
    self.thumbnails = thumbnails
    self.failures = failures
  }

  /// The `count` nearest images, nearest first; of equally near ones those with the lower index.
  public func nearest(to image: Image, count: Int = 1) -> [Match] {
    let upright = Self.thumbnail(image)
    let mirrored = Self.thumbnail(image.mirrored)
    let matches = thumbnails.map { index, pixels in
      let distances = (Self.squares(pixels, upright), Self.squares(pixels, mirrored))
      let mean = Double(min(distances.0, distances.1)) / Double(pixels.count)
      return Match(index: index, distance: mean.squareRoot(), isMirrored: distances.1 < distances.0)
    }
    return Array(matches.sorted { ($0.distance, $0.index) < ($1.distance, $1.index) }.prefix(count))
  }

  /// The central square, over white.
  private static func thumbnail(_ image: Image) -> [UInt8] {
    var random = SplitMix64(seed: 0, index: 0)  // the central crop draws nothing
    return Crop.center.square(of: image, size: side, &random).pixels
  }

  private static func squares(_ a: [UInt8], _ b: [UInt8]) -> Int {
    zip(a, b).reduce(0) { sum, pair in
      let difference = Int(pair.0) - Int(pair.1)
      return sum + difference * difference
    }
  }
}
