import Foundation
import Support

/// The bytes of image files that commands read; `-` is standard input.
enum InputImage {
  /// The largest file, in bytes.
  static let limit = 1 << 30

  /// All bytes of a file, or of standard input.
  static func bytes(_ file: FilePath) throws -> [UInt8] {
    guard file.text == "-" else { return try FileSlice(path: file.path).read(limit: limit) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(STDIN_FILENO, &buffer, buffer.count)
      if count == 0 { return bytes }
      guard count > 0 else {
        if errno == EINTR { continue }
        throw Failure(
          "cannot read standard input: \(errno == EBADF ? "it is closed" : String(cString: strerror(errno)))")
      }
      bytes += buffer[..<count]
      guard bytes.count <= limit else { throw Failure("standard input has more than \(limit >> 20) MiB: no image has") }
    }
  }
}
