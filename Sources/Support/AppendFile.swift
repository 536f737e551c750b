import Foundation

/// A log that only grows: what is in it stays whatever happens to the program, and lines of two processes do not mix.
public final class AppendFile {
  private let path: String
  private let descriptor: Int32

  /// Opens a file at its end, and creates it if it is missing.
  ///
  /// Where the last line was cut off by the end of an earlier process, `completingLine` ends it, so that what follows is a
  /// line of its own.
  public init(_ url: URL, completingLine: Bool = false) throws(FileError) {
    path = url.path
    descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    if descriptor < 0 { throw FileError("open", path, errno: errno) }
    guard completingLine else { return }
    let size = lseek(descriptor, 0, SEEK_END)
    var last: UInt8 = 10
    if size > 0, pread(descriptor, &last, 1, size - 1) == 1, last != 10 { try write([10]) }
  }

  deinit { close(descriptor) }

  /// Appends bytes, all of them or an error.
  public func write(_ bytes: [UInt8]) throws(FileError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let written = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
      if written < 0 {
        if errno == EINTR { continue }
        throw FileError("write", path, errno: errno)
      }
      rest = rest.dropFirst(written)
    }
  }
}
