import Foundation

/// The destination of an output, checked without writing anything, so that errors are found before the work.
public struct OutputPlace: Sendable {
  /// The file that will be replaced or made, with symbolic links followed; or the pipe or device that is written through.
  public let path: String
  /// Whether it is a pipe or a character device, which cannot be replaced.
  public let isStream: Bool
  /// Facts of the file that is there now; nil for a new one.
  let replaced: stat?

  /// Whether there is a file already.
  public var exists: Bool { isStream || replaced != nil }

  /// Throws if there is a folder, a socket or a disk of that name, a file that may not be written to, a folder that is
  /// missing or may not be written to, or a name that is too long.
  public init(_ path: String) throws(FileError) {
    var facts = stat()
    guard stat(path, &facts) == 0 else {
      guard errno == ENOENT else { throw FileError("create", path, errno: errno) }
      self.path = try Self.endOfLinks(path)
      (isStream, replaced) = (false, nil)
      try Self.checkFolder(of: self.path)
      return
    }
    guard access(path, W_OK) == 0 else { throw FileError("write", path, errno: errno) }
    switch facts.st_mode & S_IFMT {
    case S_IFREG:
      guard let resolved = realpath(path, nil) else { throw FileError("write", path, errno: errno) }
      defer { free(resolved) }
      self.path = String(cString: resolved)
      (isStream, replaced) = (false, facts)
      try Self.checkFolder(of: self.path)
    case S_IFIFO, S_IFCHR:
      self.path = path
      (isStream, replaced) = (true, nil)
    case S_IFDIR: throw FileError("write", path, reason: "it is a folder")
    default: throw FileError("write", path, reason: "it is neither a file nor a pipe")
    }
  }

  /// Whether two destinations are the same file.
  public func isSame(as other: OutputPlace) -> Bool {
    if let mine = replaced, let theirs = other.replaced {
      return mine.st_dev == theirs.st_dev && mine.st_ino == theirs.st_ino
    }
    return Self.canonical(path) == Self.canonical(other.path)
  }

  /// Whether this is the file of that path, which may not exist.
  public func isSame(asFile path: String) -> Bool {
    var facts = stat()
    guard let mine = replaced, stat(path, &facts) == 0 else { return false }
    return mine.st_dev == facts.st_dev && mine.st_ino == facts.st_ino
  }

  /// Follows links whose end does not exist.
  private static func endOfLinks(_ path: String) throws(FileError) -> String {
    var path = path
    for _ in 0..<40 {
      var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
      let length = buffer.withUnsafeMutableBytes {
        readlink(path, $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
      }
      guard length >= 0 else {
        guard errno == ENOENT || errno == EINVAL else { throw FileError("create", path, errno: errno) }
        return path
      }
      let next = String(decoding: buffer[..<length], as: UTF8.self)
      path =
        next.hasPrefix("/")
        ? next : ((path as NSString).deletingLastPathComponent as NSString).appendingPathComponent(next)
    }
    throw FileError("create", path, errno: ELOOP)
  }

  private static func folder(of path: String) -> String {
    let folder = (path as NSString).deletingLastPathComponent
    return folder.isEmpty ? "." : folder
  }

  private static func checkFolder(of path: String) throws(FileError) {
    guard access(folder(of: path), W_OK | X_OK) == 0 else { throw FileError("create", path, errno: errno) }
  }

  /// The path with the links of its folder followed.
  private static func canonical(_ path: String) -> String {
    guard let resolved = realpath(folder(of: path), nil) else { return path }
    defer { free(resolved) }
    return (String(cString: resolved) as NSString).appendingPathComponent((path as NSString).lastPathComponent)
  }
}
