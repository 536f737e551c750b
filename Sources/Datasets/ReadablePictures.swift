import Synchronization

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
