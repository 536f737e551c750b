import Foundation
import NN
import Support
import Torch

/// A file of a cache: tensors with checksums and the digest of the cache that it belongs to.
///
/// Files are written atomically, so that any number of runs may share a cache.
struct CacheFile {
  /// An error in a cache file.
  enum Damage: Error, CustomStringConvertible {
    case unreadable(CheckpointError)
    case checksum(file: String, key: String)
    case foreign(file: String)

    var description: String {
      switch self {
      case .unreadable(let error): error.description
      case .checksum(let file, let key): "\(file): the checksum of \"\(key)\" does not match"
      case .foreign(let file): "\(file) belongs to another cache"
      }
    }
  }

  private let file: SafetensorsFile

  private static let ownerKey = "cache"
  private static func sumKey(_ key: String) -> String { "crc32c \(key)" }

  /// Opens a file of the cache with digest `owner`.
  init(_ url: URL, owner: String) throws(Damage) {
    do throws(CheckpointError) {
      file = try SafetensorsFile(url)
    } catch { throw .unreadable(error) }
    guard file.metadata[Self.ownerKey] == owner else { throw .foreign(file: url.path) }
  }

  /// Names of the tensors.
  var keys: [String] { file.keys }

  /// A tensor with verified checksum; -1 in `shape` matches any size.
  func tensor(_ key: String, shape: [Int]) throws(Damage) -> Tensor {
    let tensor: Tensor
    do throws(CheckpointError) {
      tensor = try file.tensor(key)
    } catch { throw .unreadable(error) }
    guard tensor.rank == shape.count, zip(tensor.shape, shape).allSatisfy({ $1 == -1 || $0 == $1 }) else {
      throw .unreadable(.shape(file: file.path, key: key, expected: shape, actual: tensor.shape))
    }
    guard file.metadata[Self.sumKey(key)] == Self.checksum(tensor) else {
      throw .checksum(file: file.path, key: key)
    }
    return tensor
  }

  /// Writes a file of the cache with digest `owner`.
  static func write(_ tensors: [NamedTensor], owner: String, to url: URL) throws(CheckpointError) {
    var metadata = [ownerKey: owner]
    for (key, tensor) in tensors { metadata[sumKey(key)] = checksum(tensor) }
    try Safetensors.write(tensors, metadata: metadata, to: url)
  }

  private static func checksum(_ tensor: Tensor) -> String { String(CRC32C.value(tensor.bytes()), radix: 16) }
}

/// The files of one kind in a cache, by name.
final class CacheFolder {
  private let url: URL
  private let owner: String
  private let isReadOnly: Bool
  private let say: (String) -> Void
  private var isFull = false

  init(_ url: URL, owner: String, isReadOnly: Bool = false, say: @escaping (String) -> Void) {
    self.url = url
    self.owner = owner
    self.isReadOnly = isReadOnly
    self.say = say
  }

  /// Names of the existing files, sorted.
  var names: [String] {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
    return files.filter { $0.hasSuffix(Self.ending) && !$0.hasPrefix(".") }.map {
      String($0.dropLast(Self.ending.count))
    }
    .sorted()
  }

  /// Reads a file; nil if it does not exist.
  ///
  /// A damaged file is reported and deleted; its contents are recomputed.
  func read<R>(_ name: String, _ body: (CacheFile) throws(CacheFile.Damage) -> R) -> R? {
    let file = path(name)
    guard FileManager.default.fileExists(atPath: file.path) else { return nil }
    do throws(CacheFile.Damage) {
      return try body(try CacheFile(file, owner: owner))
    } catch {
      say("a damaged cache file is recomputed: \(error)")
      if !isReadOnly { try? FileManager.default.removeItem(at: file) }
      return nil
    }
  }

  /// Writes a file; after the first failure, which is reported, nothing more is written, since a run does not depend on
  /// its cache.
  func write(_ tensors: [NamedTensor], _ name: String) {
    if isReadOnly || isFull { return }
    do throws(CheckpointError) {
      try CacheFile.write(tensors, owner: owner, to: path(name))
    } catch {
      isFull = true
      say("the cache cannot be written any more: \(error)")
    }
  }

  private static let ending = ".safetensors"
  private func path(_ name: String) -> URL { url.appendingPathComponent(name + Self.ending) }
}
