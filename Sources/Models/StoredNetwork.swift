import Foundation
import NN
import Support
import Torch

/// How a network keeps its weights in memory.
public enum WeightStorage: Sendable {
  /// In the type that it computes in.
  case computed
  /// As they are stored where that takes less memory; layers widen them for each use.
  case stored
  /// In the mapped file where it has the type that the network computes in; nothing may change them, and the file must not
  /// shrink as long as the network is used.
  case mapped
}

/// Weights of a network that can be read, let go, and read again.
public protocol StoredWeights: AnyObject {
  /// Reads all weights, for a network that computes in the given type and, with `preparing`, only draws.
  func fill(as dtype: DType, keeping storage: WeightStorage, preparing: Bool) throws(CheckpointError)
  /// Bytes that the weights take in memory after `fill`, by shapes and types alone.
  func bytes(as dtype: DType, keeping storage: WeightStorage, preparing: Bool) -> Int
  /// Packs the weights of a network that only draws from now on.
  func prepareForInference()
  /// Lets the weights go.
  func release()
}

/// A network and the place of its weights.
///
/// The keys, shapes and types of all weights are compared at the beginning, from the headers of the files.
public final class StoredNetwork<Network: ConfiguredModel>: StoredWeights {
  /// The network, which computes NaN as long as it has no weights.
  public let network: Network
  private let source: any WeightSource

  /// The network of a directory, without its weights; errors name file, key, expected and actual value.
  public convenience init(_ directory: URL) throws(CheckpointError) {
    let configuration = try Network.readConfiguration(directory)
    try self.init(
      configuration, of: directory.appendingPathComponent("config.json").path,
      from: WeightSet(directory, name: Network.weightsName))
  }

  /// A part of a single file, whose configuration follows from its keys and shapes.
  public convenience init(_ part: CheckpointPart) throws(CheckpointError) {
    try self.init(Network.readConfiguration(part), of: part.path, from: part)
  }

  /// A network of the given sizes, which are those of the file `file`, for the weights of a source.
  ///
  /// Throws if a weight is missing, has another shape or type, or if the source has weights that the network does not.
  public init(
    _ configuration: Network.Configuration, of file: String, from source: any WeightSource
  ) throws(CheckpointError) {
    // A network far larger than its files would fill memory, or take minutes, before any shape is compared.
    let (asked, stored) = (configuration.weightCount, source.elementCount)
    guard asked <= 4 * stored + 1_000_000 else {
      throw .configuration(
        file: file, reason: "its sizes give a network with \(asked) weights, but \(source.path) has \(stored)")
    }
    (network, self.source) = (Network(configuration, .unallocated), source)
    let parameters = network.parameters
    for (key, tensor) in parameters {
      try Quantization.check(Network.storedKey(key, in: source), tensor.shape, in: source)
    }
    let known = Set(parameters.map { Network.storedKey($0.key, in: source) })
    let unknown = source.keys.filter {
      !known.contains($0) && !Network.ignores($0) && !known.contains(Quantization.quantizedKey($0))
    }
    if !unknown.isEmpty { throw .unexpectedKeys(file: source.path, keys: unknown) }
  }

  /// Reads all weights, for a network that computes in the given type.
  ///
  /// With `preparing` the network only draws from then on: a layer is packed as soon as its weights are read, so that no
  /// more than one is in memory in both forms.
  public func fill(
    as dtype: DType = .float32, keeping storage: WeightStorage = .computed, preparing: Bool = false
  ) throws(CheckpointError) {
    defer { if storage != .mapped { source.releasePages() } }
    let keys = network.parameters.map { (ObjectIdentifier($0.tensor), $0.key) }
    var unread = Dictionary(keys, uniquingKeysWith: { first, _ in first })
    func read(_ parameters: [NamedTensor]) throws(CheckpointError) {
      for (_, tensor) in parameters {
        guard let key = unread.removeValue(forKey: ObjectIdentifier(tensor)) else { continue }
        try fill(tensor, from: Network.storedKey(key, in: source), as: dtype, keeping: storage)
      }
    }
    if preparing {
      for layer in network.inferenceLayers {
        try read(layer.parameters)
        layer.prepare()
      }
    }
    try read(network.parameters)
  }

  private func fill(
    _ tensor: Tensor, from key: String, as dtype: DType, keeping storage: WeightStorage
  ) throws(CheckpointError) {
    let shape = tensor.shape
    if storage == .stored, let weight = try compact(key, shape, widenedTo: dtype) {
      tensor.setCompact_(weight, widenedTo: dtype)
    } else if storage == .mapped, source.info(key)?.dtype == dtype {
      tensor.setData_(try source.mapped(key, shape: shape))
    } else {
      tensor.setData_(try Quantization.read(key, shape, as: dtype, from: source))
    }
  }

  /// Bytes that the weights take in memory after `fill` with the same arguments, by shapes and types alone; mapped weights
  /// count as those that are read.
  public func bytes(
    as dtype: DType = .float32, keeping storage: WeightStorage = .computed, preparing: Bool = false
  ) -> Int {
    let keys = network.parameters.map { (ObjectIdentifier($0.tensor), Network.storedKey($0.key, in: source)) }
    let stored = Dictionary(keys, uniquingKeysWith: { first, _ in first })
    func compactBytes(_ tensor: Tensor) -> Int? {
      guard storage == .stored, let key = stored[ObjectIdentifier(tensor)] else { return nil }
      return self.compactBytes(key, tensor.shape, widenedTo: dtype)
    }
    var (counted, total): (Set<ObjectIdentifier>, Int) = ([], 0)
    for packing in preparing ? network.inferenceLayers.compactMap(\.packing) : [] {
      let places = packing.weights.map(ObjectIdentifier.init)
      guard counted.isDisjoint(with: places), packing.weights.allSatisfy({ compactBytes($0) == nil }),
        let bytes = packing.bytes(as: dtype)
      else { continue }
      counted.formUnion(places)
      total += bytes
    }
    for (_, tensor) in network.parameters where counted.insert(ObjectIdentifier(tensor)).inserted {
      total += compactBytes(tensor) ?? tensor.count * dtype.size
    }
    return total
  }

  /// Takes what is mapped of the files out of the process's memory; it is read again where it is used.
  public func releasePages() { source.releasePages() }

  /// The network with its weights.
  public func filled(
    as dtype: DType = .float32, keeping storage: WeightStorage = .computed, preparing: Bool = false
  ) throws(CheckpointError) -> Network {
    try fill(as: dtype, keeping: storage, preparing: preparing)
    return network
  }

  public func prepareForInference() { network.prepareForInference() }

  /// Lets the weights go.
  public func release() {
    network.release()
    Libtorch.returnFreeMemory()
  }

  /// A matrix or kernel that takes less memory as it is stored; nil for others.
  private func compact(
    _ key: String, _ shape: [Int], widenedTo dtype: DType
  ) throws(CheckpointError) -> CompactWeight? {
    guard shape.count >= 2 else { return nil }
    if let weight = try Quantization.readCompact(key, shape, from: source) { return weight }
    guard staysHalf(key, widenedTo: dtype) else { return nil }
    return CompactWeight(.half(try source.tensor(key, shape: shape)), shape: shape)
  }

  /// Bytes of what `compact` gives.
  private func compactBytes(_ key: String, _ shape: [Int], widenedTo dtype: DType) -> Int? {
    guard shape.count >= 2 else { return nil }
    if let bytes = Quantization.compactBytes(key, shape, in: source) { return bytes }
    return staysHalf(key, widenedTo: dtype) ? 2 * shape.reduce(1, *) : nil
  }

  private func staysHalf(_ key: String, widenedTo dtype: DType) -> Bool {
    source.info(key)?.dtype?.size == 2 && dtype.size > 2
  }
}

extension ConfiguredModel {
  /// The key that a parameter has in a set of weights.
  static func storedKey(_ key: String, in set: any WeightSource) -> String {
    guard set.info(key) == nil else { return key }
    let older = olderKeys.first { key.hasPrefix($0.key) }.map { $0.value + key.dropFirst($0.key.count) }
    return older.flatMap { set.info($0) == nil ? nil : $0 } ?? key
  }
}
