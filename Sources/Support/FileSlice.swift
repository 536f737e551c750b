import Foundation

/// A file, or a part of one, whose bytes are read when they are needed, by any number of threads at once.
public struct FileSlice: Sendable, Hashable {
  /// Path of the file, as bytes.
  public let name: ByteString
  /// First byte of the slice, counted from the beginning of the file.
  public let offset: Int
  /// Number of bytes; nil is all from `offset` to the end of the file.
  public let length: Int?

  /// A part of a file; a whole file when only its path is given.
  public init(path: String, offset: Int = 0, length: Int? = nil) {
    self.init(name: ByteString(path), offset: offset, length: length)
  }

  /// A part of a file whose path is any bytes but zeros.
  public init(name: ByteString, offset: Int = 0, length: Int? = nil) {
    self.name = name
    self.offset = offset
    self.length = length
  }

  /// The bytes; throws where the file is missing, no regular file, shorter than the slice, or the slice longer than
  /// `limit` bytes.
  public func read(limit: Int = .max) throws(FileError) -> [UInt8] {
    let file = try OpenFile(name)
    let length = length ?? file.size - offset
    guard length <= limit else {
      throw FileError("read", name.description, reason: "it has \(length) bytes, more than the \(limit) that are read")
    }
    return try file.bytes(offset, length)
  }

  /// The first bytes, `count` of them or all where there are fewer.
  public func read(first count: Int) throws(FileError) -> [UInt8] {
    let file = try OpenFile(name)
    return try file.bytes(offset, min(count, length ?? file.size - offset))
  }

  /// Size, times and kind of the file; nil where it is missing.
  public var facts: stat? {
    var facts = stat()
    return name.withPath { stat($0, &facts) } == 0 ? facts : nil
  }

  /// Whether the name is that of a folder, and not of a link to one.
  public var isFolderItself: Bool {
    var facts = stat()
    return name.withPath { lstat($0, &facts) } == 0 && facts.st_mode & S_IFMT == S_IFDIR
  }
}

extension ByteString {
  /// Calls `body` with the bytes as a C string.
  func withPath<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
    (bytes.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer { body($0.baseAddress!) }
  }
}

/// A regular file that is open for reading at any place.
final class OpenFile {
  let path: String
  let size: Int  // bytes
  private let descriptor: Int32

  init(_ name: ByteString) throws(FileError) {
    let path = name.description
    let opened = name.withPath { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }  // a named pipe would wait for ever
    guard opened >= 0 else { throw FileError("read", path, errno: errno) }
    var facts = stat()
    guard fstat(opened, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
      close(opened)
      throw FileError("read", path, reason: "it is not a regular file")
    }
    self.path = path
    size = Int(facts.st_size)
    descriptor = opened
  }

  deinit { close(descriptor) }

  /// `length` bytes from `offset` on; throws where the file does not have them.
  func bytes(_ offset: Int, _ length: Int) throws(FileError) -> [UInt8] {
    guard offset >= 0, length >= 0, offset <= size, length <= size - offset else {
      throw FileError(
        "read", path, reason: "bytes \(offset) to \(offset &+ length) were asked for, and it has \(size)")
    }
    var failure: FileError?
    let bytes = [UInt8](unsafeUninitializedCapacity: length) { buffer, filled in
      while filled < length {
        let count = pread(descriptor, buffer.baseAddress! + filled, length - filled, off_t(offset + filled))
        if count < 0, errno == EINTR { continue }
        if count <= 0 {
          failure =
            count < 0
            ? FileError("read", path, errno: errno)
            : FileError("read", path, reason: "it became shorter while it was read")
          break
        }
        filled += count
      }
    }
    if let failure { throw failure }
    return bytes
  }
}
