import Foundation
import NN
import Torch

/// The files of one kind in a cache, by name.
final class CacheFolder {
  private let url: URL
  private let owner: String
  private let say: (String) -> Void
  private var isFull = false

  init(_ url: URL, owner: String, say: @escaping (String) -> Void) {
    self.url = url
    self.owner = owner
    self.say = say
  }

  /// Names of the files that are there, in order.
  var names: [String] {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
    return files.filter { $0.hasSuffix(Self.ending) && !$0.hasPrefix(".") }.map {
      String($0.dropLast(Self.ending.count))
    }
    .sorted()
  }

  /// What `body` reads from a file; nil where there is none.
  ///
  /// A damaged file is said, and taken away: what it held is made anew.
  func read<R>(_ name: String, _ body: (CacheFile) throws(CacheFile.Damage) -> R) -> R? {
    let file = path(name)
    guard FileManager.default.fileExists(atPath: file.path) else { return nil }
    do throws(CacheFile.Damage) {
      return try body(try CacheFile(file, owner: owner))
    } catch {
      say("the cache makes a file anew: \(error)")
      try? FileManager.default.removeItem(at: file)
      return nil
    }
  }

  /// Writes a file; the first that cannot be written is said and is the last, since a run does not need its cache.
  func write(_ tensors: [NamedTensor], _ name: String) {
    if isFull { return }
    do throws(CheckpointError) {
      try CacheFile.write(tensors, owner: owner, to: path(name))
    } catch {
      isFull = true
      say("the cache takes no more: \(error)")
    }
  }

  private static let ending = ".safetensors"
  private func path(_ name: String) -> URL { url.appendingPathComponent(name + Self.ending) }
}
