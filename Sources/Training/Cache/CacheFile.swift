import Foundation
import NN
import Support
import Torch

/// A file of a cache: tensors with their checksums, and the name of the cache that it belongs to.
///
/// It appears whole or not at all, so that any number of runs may read and write one cache.
struct CacheFile {
  /// Why a file of a cache is not used.
  enum Damage: Error, CustomStringConvertible {
    case unreadable(CheckpointError)
    case checksum(file: String, key: String)
    case foreign(file: String)

    var description: String {
      switch self {
      case .unreadable(let error): error.description
      case .checksum(let file, let key): "\(file): the bytes of \"\(key)\" are not those that were written"
      case .foreign(let file): "\(file) belongs to another cache"
      }
    }
  }

  private let file: SafetensorsFile

  private static let ownerKey = "cache"
  private static func sumKey(_ key: String) -> String { "crc32c \(key)" }

  /// Opens a file of the cache that is called `owner`.
  init(_ url: URL, owner: String) throws(Damage) {
    do throws(CheckpointError) {
      file = try SafetensorsFile(url)
    } catch { throw .unreadable(error) }
    guard file.metadata[Self.ownerKey] == owner else { throw .foreign(file: url.path) }
  }

  /// Names of the tensors.
  var keys: [String] { file.keys }

  /// A tensor, whose bytes are compared with their checksum; `shape` may have one -1, for any size.
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

  /// Writes a file of the cache that is called `owner`.
  static func write(_ tensors: [NamedTensor], owner: String, to url: URL) throws(CheckpointError) {
    var metadata = [ownerKey: owner]
    for (key, tensor) in tensors { metadata[sumKey(key)] = checksum(tensor) }
    try Safetensors.write(tensors, metadata: metadata, to: url)
  }

  private static func checksum(_ tensor: Tensor) -> String { String(CRC32C.value(tensor.bytes()), radix: 16) }
}
