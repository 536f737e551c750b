import Foundation
import Support

/// A lock on a run folder for one process; the system releases it when the process ends.
final class RunLock {
  private let descriptor: Int32

  /// Creates and locks the folder; throws if another process holds the lock.
  init(_ folder: URL) throws {
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch { throw RunError.folder(folder.path) }
    let path = folder.appendingPathComponent("run.lock").path
    let opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    if opened < 0 { throw FileError("create", path, errno: errno) }
    if flock(opened, LOCK_EX | LOCK_NB) != 0 {
      let problem = errno
      // File systems without locks are used without one.
      if problem == EWOULDBLOCK {
        close(opened)  // before it is stored: once all properties are, `deinit` runs after a throw as well
        throw RunError.inUse(folder: folder.path)
      }
    }
    descriptor = opened
  }

  deinit { close(descriptor) }
}
