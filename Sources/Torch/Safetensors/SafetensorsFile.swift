import Foundation
import Support

/// A safetensors file, mapped into memory: only the tensors that are asked for are read.
///
/// The file must not shrink while it is open (the mapping would end in a bus error, as with every mapped file).
public final class SafetensorsFile {
  /// Path of the file, as it was given.
  public let path: String
  private let header: SafetensorsHeader
  private let index: [ByteString: Int]
  private let mapping: UnsafeRawBufferPointer

  /// Why pickled files are not read, and what to do.
  public static let adviceAboutPickles =
    "it is a pickled file, which can run code when it is read; write it as safetensors with diffusers' "
    + "save_pretrained(safe_serialization=True) or the convert script of the safetensors package"

  /// Maps a file and checks its whole header.
  public init(_ url: URL) throws(CheckpointError) {
    path = url.path
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)  // does not wait for a named pipe
    guard descriptor >= 0 else { throw .unreadable(file: path, reason: String(cString: strerror(errno))) }
    defer { close(descriptor) }
    var facts = stat()
    guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
      throw .unreadable(file: path, reason: "it is not a regular file")
    }
    let size = Int(facts.st_size)
    guard size > 0 else { throw .malformed(file: path, reason: "it is empty") }
    guard let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED else {
      throw .unreadable(file: path, reason: String(cString: strerror(errno)))
    }
    let mapping = UnsafeRawBufferPointer(start: address, count: size)
    // PyTorch's files are zip archives, or pickles of protocol 2 in old versions.
    if mapping.starts(with: [0x50, 0x4B, 3, 4]) || mapping.starts(with: [0x80, 2, 0x8A, 0x0A]) {
      munmap(address, size)
      throw .unreadable(file: path, reason: Self.adviceAboutPickles)
    }
    do throws(CheckpointError) {
      header = try SafetensorsHeader(mapping, file: path)
    } catch {
      munmap(address, size)
      throw error
    }
    self.mapping = mapping
    index = Dictionary(uniqueKeysWithValues: header.entries.enumerated().map { (ByteString($1.key), $0) })
  }

  deinit { munmap(UnsafeMutableRawPointer(mutating: mapping.baseAddress), mapping.count) }

  /// The metadata, free text that is stored with the tensors.
  public var metadata: [String: String] { header.metadata }

  /// Names of all tensors, in the order of their bytes.
  public var keys: [String] { header.entries.map(\.key) }

  /// Number of elements of all tensors.
  public var elementCount: Int { header.entries.reduce(0) { $0 + $1.shape.reduce(1, *) } }

  /// Type (nil if Flux does not support it) and shape of a tensor; nil if the file does not have it.
  public func info(_ key: String) -> (dtype: DType?, shape: [Int])? {
    index[ByteString(key)].map { (header.entries[$0].dtype, header.entries[$0].shape) }
  }

  /// A copy of a tensor, on the CPU; throws if it is missing, does not have the expected shape, or has a type that Flux
  /// does not support.
  ///
  /// Keys are compared byte by byte.
  public func tensor(_ key: String, shape expected: [Int]? = nil) throws(CheckpointError) -> Tensor {
    try withTensor(key, shape: expected) { $0.clone() }
  }

  /// What `body` makes of a tensor that lies in the mapped file: it must not be changed, nor outlive the call.
  ///
  /// Throws as `tensor` does. With `once` a large tensor's pages then leave the process's memory: it is not read again.
  public func withTensor<R>(
    _ key: String, shape: [Int]? = nil, once: Bool = false, _ body: (Tensor) throws(CheckpointError) -> R
  ) throws(CheckpointError) -> R {
    let tensor = try mapped(key, shape: shape)
    defer { if once, let position = index[ByteString(key)] { release(header.entries[position].range) } }
    return try body(tensor)
  }

  /// A tensor that lies in the mapped file, which stays open as long as it is used.
  ///
  /// It must not be changed. Throws as `tensor` does.
  public func mapped(_ key: String, shape expected: [Int]? = nil) throws(CheckpointError) -> Tensor {
    guard let position = index[ByteString(key)] else { throw .missingKey(file: path, key: key) }
    let entry = header.entries[position]
    if let expected, expected != entry.shape {
      throw .shape(file: path, key: key, expected: expected, actual: entry.shape)
    }
    guard let dtype = entry.dtype else {
      throw .type(file: path, key: key, expected: SafetensorsHeader.readable, actual: entry.type)
    }
    return Tensor(
      in: UnsafeRawBufferPointer(rebasing: mapping[entry.range]), of: self, shape: entry.shape, dtype: dtype)
  }

  /// Takes the pages that were read out of the process's memory; tensors can be read again.
  public func releasePages() {
    madvise(UnsafeMutableRawPointer(mutating: mapping.baseAddress), mapping.count, MADV_DONTNEED)
  }

  /// Takes the pages of a large tensor out of the process's memory; they are read again where they are needed.
  private func release(_ range: Range<Int>) {
    let page = Int(getpagesize())
    let (first, end) = ((range.lowerBound + page - 1) / page * page, range.upperBound / page * page)
    guard end - first >= 1 << 20, let base = mapping.baseAddress else { return }
    madvise(UnsafeMutableRawPointer(mutating: base + first), end - first, MADV_DONTNEED)
  }
}
