import Foundation
import Support

/// The weights of one model: a single `NAME.safetensors`, or shards with a `NAME.safetensors.index.json`, the layout
/// that transformers and diffusers write.
///
/// Where there is neither, `NAME.fp16.safetensors` or its shards are taken, the half-precision copy of diffusers.
public final class WeightSet: WeightSource {
  /// Path of the file that was opened first, for messages.
  public let path: String
  private var files: [String: SafetensorsFile] = [:]
  private let fileOfKey: [ByteString: String]

  /// Opens the set called `name` in a directory; all of its shards must exist and pass the check.
  public init(_ directory: URL, name: String, checking check: ShardCheck = .sizes) throws(CheckpointError) {
    let (single, index) = Self.files(directory, name)
    if FileManager.default.fileExists(atPath: single.path) {
      let file = try SafetensorsFile(single)
      path = single.path
      files[single.lastPathComponent] = file
      fileOfKey = Dictionary(uniqueKeysWithValues: file.keys.map { (ByteString($0), single.lastPathComponent) })
      return
    }
    path = index.path
    guard FileManager.default.fileExists(atPath: index.path) else {
      throw .unreadable(
        file: single.path,
        reason: "there is neither this file nor \(index.lastPathComponent)" + Self.adviceAboutPickles(directory, name))
    }
    let table = try ShardIndex(reading: index)
    try table.check(in: directory, check)
    for shard in table.files { files[shard] = try SafetensorsFile(directory.appendingPathComponent(shard)) }
    for (key, shard) in table.weight_map.sorted(by: { $0.key < $1.key })
    where files[shard]?.info(key.description) == nil {
      throw .missingKey(file: directory.appendingPathComponent(shard).path, key: key.description)
    }
    fileOfKey = table.weight_map
  }

  /// The first layout of which a file exists, or the plain names: the one file and the index of shards.
  private static func files(_ directory: URL, _ name: String) -> (single: URL, index: URL) {
    // diffusers and transformers put the variant into the index's name at different places.
    let layouts = [
      ("\(name).safetensors", "\(name).safetensors.index.json"),
      ("\(name).fp16.safetensors", "\(name).safetensors.fp16.index.json"),
      ("\(name).fp16.safetensors", "\(name).safetensors.index.fp16.json"),
    ].map { (single: directory.appendingPathComponent($0), index: directory.appendingPathComponent($1)) }
    return layouts.first { layout in
      [layout.single, layout.index].contains { FileManager.default.fileExists(atPath: $0.path) }
    } ?? layouts[0]
  }

  /// The way out where only a pickled file is there; empty if there is none.
  private static func adviceAboutPickles(_ directory: URL, _ name: String) -> String {
    let names = ["\(name).bin", "\(name).fp16.bin", "pytorch_model.bin", "pytorch_model.fp16.bin"]
    let found = names.first {
      FileManager.default.fileExists(atPath: directory.appendingPathComponent($0).path)
    }
    return found.map { ", only \($0): \(SafetensorsFile.adviceAboutPickles)" } ?? ""
  }

  /// Names of all tensors, in the order of their bytes.
  public var keys: [String] { fileOfKey.keys.sorted().map(\.description) }

  /// Number of elements of all tensors of all files.
  public var elementCount: Int { files.values.reduce(0) { $0 + $1.elementCount } }

  /// The metadata of the first file.
  public var metadata: [String: String] { files.sorted { $0.key < $1.key }.first?.value.metadata ?? [:] }

  /// Type (nil if Flux does not support it) and shape of a tensor; nil if the set does not have it.
  public func info(_ key: String) -> (dtype: DType?, shape: [Int])? {
    fileOfKey[ByteString(key)].flatMap { files[$0]?.info(key) }
  }

  public func withTensor<R>(
    _ key: String, shape: [Int]?, _ body: (Tensor) throws(CheckpointError) -> R
  ) throws(CheckpointError) -> R {
    try file(of: key).withTensor(key, shape: shape, once: true, body)
  }

  public func mapped(_ key: String, shape: [Int]?) throws(CheckpointError) -> Tensor {
    try file(of: key).mapped(key, shape: shape)
  }

  private func file(of key: String) throws(CheckpointError) -> SafetensorsFile {
    guard let name = fileOfKey[ByteString(key)], let file = files[name] else { throw .missingKey(file: path, key: key) }
    return file
  }

  public func releasePages() {
    for file in files.values { file.releasePages() }
  }

  /// The default maximum size of a shard.
  public static let shardLimit = 15 << 20  // bytes

  /// Writes a set: one file if everything fits into `maxShardBytes`, else shards and then their index.
  ///
  /// The index is written last and files of an earlier set are removed after it, so that a reader always finds a
  /// complete set. It names the size and the SHA-256 of every shard. With `alwaysIndexed` a set of one shard also has
  /// an index. A tensor that is larger than `maxShardBytes` gets a shard of its own.
  public static func write(
    _ tensors: [(key: String, tensor: Tensor)], metadata: [String: String] = [:], directory: URL,
    name: String, maxShardBytes: Int = shardLimit, alwaysIndexed: Bool = false
  ) throws(CheckpointError) {
    let shards = split(tensors, maxShardBytes - Safetensors.size(metadata))
    var written: Set<String> = []
    if shards.count == 1, !alwaysIndexed {
      written.insert("\(name).safetensors")
      try Safetensors.write(
        tensors, metadata: metadata, to: directory.appendingPathComponent("\(name).safetensors"))
    } else {
      var index = ShardIndex()
      index.metadata["total_size"] = tensors.reduce(0) { $0 + $1.tensor.count * $1.tensor.dtype.size }
      let names = shards.indices.map { "\(name)-\(padded($0 + 1))-of-\(padded(shards.count)).safetensors" }
      for (name, shard) in zip(names, shards) {
        for (key, _) in shard { index.weight_map[ByteString(key)] = name }
      }
      index.shards = try write(shards, names, metadata, directory)
      let indexFile = "\(name).safetensors.index.json"
      do throws(FileError) {
        try AtomicFile.write(index.json, to: directory.appendingPathComponent(indexFile))
      } catch { throw .notWritten(error) }
      written = Set(names + [indexFile])
    }
    removeOthers(directory, name: name, keeping: written)
  }

  /// Writes as many shards at a time as there are cores, since hashing and flushing take longer than copying.
  private static func write(
    _ shards: [[(key: String, tensor: Tensor)]], _ names: [String], _ metadata: [String: String], _ directory: URL
  ) throws(CheckpointError) -> [String: ShardIndex.Shard] {
    var written: [String: ShardIndex.Shard] = [:]
    let width = ProcessInfo.processInfo.activeProcessorCount
    for start in stride(from: 0, to: shards.count, by: width) {
      let range = start..<min(start + width, shards.count)
      let files = range.map { (name: names[$0], bytes: Safetensors.encoded(shards[$0], metadata: metadata)) }
      let results = concurrently(files) { file -> Result<ShardIndex.Shard, FileError> in
        do throws(FileError) {
          try AtomicFile.write(file.bytes, to: directory.appendingPathComponent(file.name))
          return .success(ShardIndex.Shard(bytes: file.bytes.count, sha256: SHA256.hexDigest(file.bytes)))
        } catch { return .failure(error) }
      }
      for (file, result) in zip(files, results) {
        do throws(FileError) {
          written[file.name] = try result.get()
        } catch { throw .notWritten(error) }
      }
    }
    return written
  }

  private static func split(_ tensors: [(key: String, tensor: Tensor)], _ limit: Int) -> [[(
    key: String, tensor: Tensor
  )]] {
    var shards: [[(key: String, tensor: Tensor)]] = [[]]
    var size = 0
    for entry in tensors {
      let bytes = Safetensors.size(entry.key, entry.tensor)
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
