import Foundation

/// A file that appears whole or not at all.
///
/// Bytes go to a temporary name in the same folder; `commit` flushes them to the disk and renames, so that a reader, a
/// crash or a full disk never meets half a file and an older file of that name stays until the new one is complete.
/// What is not committed is removed. (A nameless `O_TMPFILE` would vanish even after kill -9, but cannot be linked over
/// an existing name; the temporary's name begins with a dot and ends in the process number instead.)
///
/// A symbolic link stays one: the file that it leads to is replaced. The new file has the permissions of the old one.
/// Pipes and character devices cannot be replaced; they are written through.
public final class AtomicFile {
  private let target: String
  private let temporary: String?  // nil where bytes go through
  private var descriptor: Int32

  /// Opens a temporary file beside `url`.
  public init(_ url: URL) throws(FileError) {
    let place = try OutputPlace(url.path)
    target = place.path
    guard !place.isStream else {
      temporary = nil
      descriptor = open(target, O_WRONLY | O_CLOEXEC)
      if descriptor < 0 { throw FileError("write", target, errno: errno) }
      return
    }
    let temporary = Self.temporaryPath(beside: target)
    self.temporary = temporary
    descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    if descriptor < 0 { throw FileError("create", target, errno: errno) }
    if let old = place.replaced {
      fchown(descriptor, old.st_uid, old.st_gid)  // only the superuser may; for others it is theirs already
      fchmod(descriptor, old.st_mode & 0o777)
    }
    Temporaries.add(temporary)
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
    guard let temporary else { return }
    unlink(temporary)  // gone already after a commit
    Temporaries.remove(temporary)
  }

  /// A hidden name beside a file or folder that is not used yet, whatever the length of its own name.
  static func temporaryPath(beside path: String, ending: String = "") -> String {
    let name = (path as NSString).lastPathComponent
    var beginning = ""  // 255 bytes are the longest name; the numbers and dots take up to 22
    for scalar in name.unicodeScalars {
      guard beginning.utf8.count + 4 + ending.utf8.count <= 220 else { break }
      beginning.unicodeScalars.append(scalar)
    }
    let folder = (path as NSString).deletingLastPathComponent
    let hidden = ".\(beginning).\(UInt32.random(in: 0...UInt32.max)).\(getpid())\(ending)"
    return folder.isEmpty ? hidden : (folder as NSString).appendingPathComponent(hidden)
  }

  /// Appends bytes.
  public func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    var rest = bytes
    while let base = rest.baseAddress, rest.count > 0 {
      let written = Foundation.write(descriptor, base, rest.count)
      if written < 0 {
        if errno == EINTR { continue }
        throw FileError("write", target, errno: errno)
      }
      rest = UnsafeRawBufferPointer(rebasing: rest[written...])
    }
  }

  /// Appends bytes.
  public func write(_ bytes: [UInt8]) throws(FileError) {
    let result: Result<Void, FileError> = bytes.withUnsafeBytes { buffer in
      do throws(FileError) {
        return .success(try write(buffer))
      } catch { return .failure(error) }
    }
    try result.get()
  }

  /// Makes the file durable and gives it its name.
  ///
  /// Without `flushing` a crash of the machine, but not of the program, may lose the file: for very many small files
  /// that can be made again.
  public func commit(flushing: Bool = true) throws(FileError) {
    try finish(flushing: flushing)
    guard let temporary else { return }
    if rename(temporary, target) != 0 { throw FileError("create", target, errno: errno) }
    if flushing { flushFolder() }
  }

  /// Makes the file durable and gives it its name, unless there is a file of that name: then that one stays, and the
  /// answer is false.
  private func commitIfNew() throws(FileError) -> Bool {
    try finish(flushing: true)
    guard let temporary else { return true }
    if link(temporary, target) != 0 {
      if errno == EEXIST { return false }
      throw FileError("create", target, errno: errno)
    }
    flushFolder()
    return true
  }

  private func finish(flushing: Bool) throws(FileError) {
    if flushing, fsync(descriptor) != 0, errno != EINVAL { throw FileError("write", target, errno: errno) }
    let closed = close(descriptor)
    descriptor = -1
    if closed != 0 { throw FileError("write", target, errno: errno) }
  }

  private func flushFolder() {
    let folder = open((target as NSString).deletingLastPathComponent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if folder >= 0 {
      fsync(folder)
      close(folder)
    }
  }

  /// Writes a whole file atomically.
  public static func write(_ bytes: [UInt8], to url: URL, flushing: Bool = true) throws(FileError) {
    let file = try AtomicFile(url)
    try file.write(bytes)
    try file.commit(flushing: flushing)
  }

  /// Writes a whole file, unless there is one of that name, which then stays; says whether it was written.
  ///
  /// Of several programs that try it at once, exactly one succeeds.
  public static func create(_ bytes: [UInt8], at url: URL) throws(FileError) -> Bool {
    let file = try AtomicFile(url)
    try file.write(bytes)
    return try file.commitIfNew()
  }

  /// Removes the temporary files of this process that are still being written; for signal handlers, before exit.
  public static func removeTemporaries() { Temporaries.removeAll() }
}

/// The temporary files that exist now, so that an interrupted program can take them away.
private enum Temporaries {
  private static let lock = NSLock()
  nonisolated(unsafe) private static var paths: Set<String> = []  // only touched under the lock

  static func add(_ path: String) { lock.withLock { _ = paths.insert(path) } }
  static func remove(_ path: String) { lock.withLock { _ = paths.remove(path) } }

  /// Runs inside a signal handler, perhaps of the very thread that holds the lock: it does not wait.
  static func removeAll() {
    guard lock.try() else { return }
    for path in paths { unlink(path) }
    lock.unlock()
  }
}

/// A failure of the file system, in a sentence that names the path.
public struct FileError: Error, CustomStringConvertible, Sendable, Equatable {
  /// Path of the file or folder that the operation failed on.
  public let path: String
  /// A sentence: the failed operation, the path and the reason.
  public let description: String

  /// What failed ("write"), on what, with the system's error number.
  public init(_ action: String, _ path: String, errno code: Int32) {
    self.init(action, path, reason: String(cString: strerror(code)))
  }

  init(_ action: String, _ path: String, reason: String) {
    self.path = path
    description = "cannot \(action) \(path): \(reason)"
  }
}
