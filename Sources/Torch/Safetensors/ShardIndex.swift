import Dispatch
import Foundation
import Support
import Synchronization

/// The index of a set of shards: the file of each tensor, and the size and hash of each shard.
///
/// `metadata` and `weight_map` are those of transformers and diffusers, which ignore `shards`.
struct ShardIndex {
  struct Shard: Equatable, Sendable {
    var bytes: Int
    var sha256: String
  }

  var metadata: [String: Int] = [:]
  var shards: [String: Shard]?  // by file name; nil in the indices of other programs
  var weight_map: [ByteString: String] = [:]  // file name of each tensor

  /// Reads an index; throws if a shard name in it is not that of a file in the same folder.
  init(reading url: URL) throws(CheckpointError) {
    guard let data = try? Data(contentsOf: url) else {
      throw .unreadable(file: url.path, reason: "it cannot be opened")
    }
    guard let table = JSONValue(data), let map = Self.map(table["weight_map"]) else {
      throw .configuration(file: url.path, reason: "it has no weight_map from keys to file names")
    }
    weight_map = map
    if let entries = table["shards"], !entries.isNull {
      guard let known = Self.shards(entries) else {
        throw .configuration(file: url.path, reason: "its shards are not a table of bytes and sha256 by file name")
      }
      shards = known
    }
    for name in files where name.contains("/") || name == ".." || !name.hasSuffix(".safetensors") {
      throw .configuration(file: url.path, reason: "\"\(name)\" is not the name of a shard")
    }
  }

  init() {}

  private static func map(_ value: JSONValue?) -> [ByteString: String]? {
    guard let fields = value?.fields else { return nil }
    var map: [ByteString: String] = [:]
    for (key, value) in fields {
      guard let file = value.string else { return nil }
      map[ByteString(key)] = file
    }
    return map
  }

  private static func shards(_ value: JSONValue) -> [String: Shard]? {
    guard let fields = value.fields else { return nil }
    var shards: [String: Shard] = [:]
    for (name, value) in fields {
      guard let bytes = value["bytes"]?.int, let sha256 = value["sha256"]?.string else { return nil }
      shards[name] = Shard(bytes: bytes, sha256: sha256)
    }
    return shards
  }

  /// The bytes of the file.
  var json: [UInt8] {
    func table(_ entries: [String], _ indent: String) -> String {
      entries.isEmpty ? "{}" : "{\n" + entries.map { "\(indent)  \($0)" }.joined(separator: ",\n") + "\n\(indent)}"
    }
    func quoted(_ text: String) -> String { Safetensors.quoted(text) }
    var parts = [
      "\"metadata\" : "
        + table(metadata.sorted { $0.key < $1.key }.map { "\(quoted($0.key)) : \($0.value)" }, "  ")
    ]
    if let shards {
      let entries = shards.sorted { $0.key < $1.key }.map { name, shard in
        "\(quoted(name)) : {\"bytes\" : \(shard.bytes), \"sha256\" : \(quoted(shard.sha256))}"
      }
      parts.append("\"shards\" : " + table(entries, "  "))
    }
    let map = weight_map.sorted { $0.key < $1.key }.map { "\(quoted($0.key.description)) : \(quoted($0.value))" }
    parts.append("\"weight_map\" : " + table(map, "  "))
    return Array(table(parts, "").utf8)
  }

  /// The names of the shards, in order.
  var files: [String] { Set(weight_map.values).union((shards ?? [:]).keys).sorted() }

  /// Throws if a shard is missing or differs from the index; names the first one and counts the others.
  func check(in directory: URL, _ check: ShardCheck) throws(CheckpointError) {
    let known = (shards ?? [:]).sorted { $0.key < $1.key }
    let faults = concurrently(known) { name, shard in
      let url = directory.appendingPathComponent(name)
      return Self.fault(of: url, shard, check).map { (file: url.path, expected: $0.expected, actual: $0.actual) }
    }.compactMap { $0 }
    guard let first = faults.first else { return }
    throw .shard(file: first.file, expected: first.expected, actual: first.actual, others: faults.count - 1)
  }

  private static func fault(of url: URL, _ shard: Shard, _ check: ShardCheck) -> (expected: String, actual: String)? {
    var facts = stat()
    guard stat(url.path, &facts) == 0 else { return ("\(shard.bytes) bytes", "no file") }
    let size = Int(facts.st_size)
    if size != shard.bytes { return ("\(shard.bytes) bytes", "\(size)") }
    guard check == .hashes else { return nil }
    guard let digest = try? SHA256.hexDigest(file: url) else {
      return ("\(shard.bytes) bytes", "a file that cannot be read")
    }
    return digest == shard.sha256 ? nil : ("SHA-256 \(shard.sha256)", digest)
  }
}

/// How thoroughly the shards of a set are checked before they are read.
public enum ShardCheck: Sendable {
  /// Each shard exists and has the size in the index.
  case sizes
  /// Each shard also has the SHA-256 in the index.
  case hashes
}

/// The results of `body` for every element, in order, computed on all cores.
func concurrently<T: Sendable, R: Sendable>(_ elements: [T], _ body: @Sendable (T) -> R) -> [R] {
  let results = Mutex<[Int: R]>([:])
  DispatchQueue.concurrentPerform(iterations: elements.count) { index in
    let result = body(elements[index])
    results.withLock { $0[index] = result }
  }
  return results.withLock { results in elements.indices.compactMap { results[$0] } }
}
