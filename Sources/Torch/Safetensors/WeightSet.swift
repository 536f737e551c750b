import Files
import Foundation

/// The weights of one model: a single `NAME.safetensors`, or shards with a `NAME.safetensors.index.json`, the layout
/// that transformers and diffusers write.
public final class WeightSet {
  private struct Index: Codable {
    var metadata: [String: Int]
    var weight_map: [String: String]
  }

  /// Path of the file that was opened first, for messages.
  public let path: String
  private var files: [String: SafetensorsFile] = [:]
  private let fileOfKey: [String: String]

  /// Opens the set called `name` in a directory.
  public init(_ directory: URL, name: String) throws(CheckpointError) {
    let single = directory.appendingPathComponent("\(name).safetensors")
    let index = directory.appendingPathComponent("\(name).safetensors.index.json")
    if FileManager.default.fileExists(atPath: single.path) {
      let file = try SafetensorsFile(single)
      path = single.path
      files[single.lastPathComponent] = file
      fileOfKey = Dictionary(uniqueKeysWithValues: file.keys.map { ($0, single.lastPathComponent) })
      return
    }
    path = index.path
    guard let data = try? Data(contentsOf: index) else {
      throw .unreadable(
        file: single.path, reason: "there is neither this file nor \(index.lastPathComponent)")
    }
    guard let map = try? JSONDecoder().decode(ShardMap.self, from: data).weight_map else {
      throw .configuration(file: index.path, reason: "it has no weight_map from keys to file names")
    }
    for shard in Set(map.values).sorted() {
      guard !shard.contains("/"), shard != "..", shard.hasSuffix(".safetensors") else {
        throw .configuration(file: index.path, reason: "\"\(shard)\" is not the name of a shard")
      }
      files[shard] = try SafetensorsFile(directory.appendingPathComponent(shard))
    }
    for (key, shard) in map.sorted(by: { $0.key < $1.key }) where files[shard]?.info(key) == nil {
      throw .missingKey(file: directory.appendingPathComponent(shard).path, key: key)
    }
    fileOfKey = map
  }

  private struct ShardMap: Codable { var weight_map: [String: String] }

  /// Names of all tensors.
  public var keys: Set<String> { Set(fileOfKey.keys) }

  /// Free text stored with the first file.
  public var metadata: [String: String] { files.sorted { $0.key < $1.key }.first?.value.metadata ?? [:] }

  /// Type and shape of a tensor, or nil.
  public func info(_ key: String) -> (dtype: DType, shape: [Int])? {
    fileOfKey[key].flatMap { files[$0]?.info(key) }
  }

  /// A copy of a tensor, on the CPU.
  public func tensor(_ key: String, shape: [Int]? = nil) throws(CheckpointError) -> Tensor {
    guard let name = fileOfKey[key], let file = files[name] else { throw .missingKey(file: path, key: key) }
    return try file.tensor(key, shape: shape)
  }

  /// Writes a set: one file when everything fits into `maxShardBytes`, else shards and then their index.
  ///
  /// The index is written last and files of an earlier set are removed after it, so that a reader always finds a
  /// complete set.
  public static func write(
    _ tensors: [(key: String, tensor: Tensor)], metadata: [String: String] = [:], directory: URL,
    name: String,
    maxShardBytes: Int = 15 << 20
  ) throws(CheckpointError) {
    let shards = split(tensors, maxShardBytes)
    var written: Set<String> = []
    if shards.count == 1 {
      written.insert("\(name).safetensors")
      try Safetensors.write(
        tensors, metadata: metadata, to: directory.appendingPathComponent("\(name).safetensors"))
    } else {
      var index = Index(
        metadata: ["total_size": tensors.reduce(0) { $0 + bytes($1.tensor) }], weight_map: [:])
      for (position, shard) in shards.enumerated() {
        let file = "\(name)-\(padded(position + 1))-of-\(padded(shards.count)).safetensors"
        try Safetensors.write(shard, metadata: metadata, to: directory.appendingPathComponent(file))
        for (key, _) in shard { index.weight_map[key] = file }
        written.insert(file)
      }
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
      guard let json = try? encoder.encode(index) else { fatalError("an index of strings always encodes") }
      let indexFile = "\(name).safetensors.index.json"
      do throws(FileError) {
        try AtomicFile.write(Array(json), to: directory.appendingPathComponent(indexFile))
      } catch { throw .notWritten(error) }
      written.insert(indexFile)
    }
    removeOthers(directory, name: name, keeping: written)
  }

  private static func bytes(_ tensor: Tensor) -> Int { tensor.count * tensor.dtype.size }

  private static func split(_ tensors: [(key: String, tensor: Tensor)], _ limit: Int) -> [[(
    key: String, tensor: Tensor
  )]] {
    var shards: [[(key: String, tensor: Tensor)]] = [[]]
    var size = 0
    for entry in tensors {
      let bytes = bytes(entry.tensor)
      if size > 0, size + bytes > limit {
        shards.append([])
        size = 0
      }
      shards[shards.count - 1].append(entry)
      size += bytes
    }
    return shards
  }

  private static func padded(_ number: Int) -> String {
    String(repeating: "0", count: max(0, 5 - String(number).count)) + String(number)
  }

  private static func removeOthers(_ directory: URL, name: String, keeping written: Set<String>) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
    for file in names where !written.contains(file) && file.hasPrefix(name) {
      let rest = file.dropFirst(name.count)
      if rest == ".safetensors" || rest == ".safetensors.index.json"
        || (rest.hasPrefix("-0") && rest.hasSuffix(".safetensors"))
      {
        try? FileManager.default.removeItem(at: directory.appendingPathComponent(file))
      }
    }
  }
}
