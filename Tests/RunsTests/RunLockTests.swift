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

  @Test func aFileInPlaceOfTheFolderIsNamed() throws {
    try Project.inTemporaryFolder { folder in
      let file = folder.appendingPathComponent("file")
      try Data().write(to: file)
      #expect(throws: RunError.folder(file.path)) { _ = try RunLock(file) }
    }
  }
}
