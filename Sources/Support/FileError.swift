import Foundation

/// A failure of the file system, in a sentence that names the path.
public struct FileError: Error, CustomStringConvertible, Sendable, Equatable {
  public let path: String
  public let description: String

  init(_ action: String, _ path: String, errno code: Int32) {
    self.init(action, path, reason: String(cString: strerror(code)))
  }

  init(_ action: String, _ path: String, reason: String) {
    self.path = path
    description = "cannot \(action) \(path): \(reason)"
  }
}
