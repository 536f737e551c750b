import Foundation
import Support

/// The bytes of what commands read from files, pipes and standard input.
enum InputBytes {
  /// The largest image file, in bytes.
  private static let largestImage = 1 << 30

  /// All bytes of an image file; `-` is standard input.
  static func image(_ file: FilePath) throws -> [UInt8] {
    guard file.text == "-" else { return try FileSlice(path: file.path).read(limit: largestImage) }
    return try all(of: STDIN_FILENO, limit: largestImage) { Failure("cannot read standard input: \($0)") }
  }

  /// All bytes up to the end of an open file or pipe; `failure` makes an error of a reason.
  static func all(of descriptor: Int32, limit: Int, _ failure: (String) -> Failure) throws(Failure) -> [UInt8] {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      if count == 0 { return bytes }
      guard count > 0 else {
        if errno == EINTR { continue }
        throw failure(reason(errno))
      }
      bytes += buffer[..<count]
      guard bytes.count <= limit else { throw failure("it has more than \(limit >> 20) MiB") }
    }
  }

  /// What the system's error number says about a file that cannot be read.
  static func reason(_ code: Int32) -> String {
    switch code {
    case ENOENT: "it does not exist"
    case EISDIR: "it is a folder"
    case EBADF: "it is closed"
    default: String(cString: strerror(code))
    }
  }
}
