import Foundation
import TestSupport
import Testing

@testable import Runs

@Suite struct RunLockTests {
  @Test func aFolderIsLockedAsLongAsTheLockLives() throws {
    try Project.inTemporaryFolder { folder in
      let run = folder.appendingPathComponent("new/run")
      var lock: RunLock? = try RunLock(run)
      #expect(throws: RunError.inUse(folder: run.path)) { _ = try RunLock(run) }
      #expect(throws: Never.self) { _ = try RunLock(folder.appendingPathComponent("other")) }
      withExtendedLifetime(lock) {}
      lock = nil
      #expect(throws: Never.self) { _ = try RunLock(run) }
    }
  }

  @Test func aRefusedLockClosesNoFileOfOthers() throws {
    try Project.inTemporaryFolder { folder in
      let run = folder.appendingPathComponent("run")
      let lock = try RunLock(run)
      // Files that others open take the number of a descriptor as soon as it is closed.
      DispatchQueue.concurrentPerform(iterations: 2) { worker in
        for _ in 0..<5000 {
          if worker == 0 {
            #expect(throws: RunError.self) { _ = try RunLock(run) }
          } else {
            let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
            sched_yield()
            #expect(close(descriptor) == 0, "it was closed already")
          }
        }
      }
      withExtendedLifetime(lock) {}
    }
  }

  @Test func aFileInPlaceOfTheFolderIsNamed() throws {
    try Project.inTemporaryFolder { folder in
      let file = folder.appendingPathComponent("file")
      try Data().write(to: file)
      #expect(throws: RunError.folder(file.path)) { _ = try RunLock(file) }
    }
  }
}
