import Foundation
import Support

/// The folder of a run, held by one process: a lock that the system gives back when the process ends, however it ends.
final class RunLock {
  private let descriptor: Int32

  /// Creates the folder and takes it; throws where another process has it.
  init(_ folder: URL) throws {
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch { throw TrainingError.folder(folder.path) }
    let path = folder.appendingPathComponent("run.lock").path
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    if descriptor < 0 { throw FileError("create", path, errno: errno) }
    if flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      let problem = errno
      // On file systems without locks a run goes on without one.
      if problem == EWOULDBLOCK {
        close(descriptor)
        throw TrainingError.inUse(folder: folder.path)
      }
    }
  }

  deinit { close(descriptor) }
}
