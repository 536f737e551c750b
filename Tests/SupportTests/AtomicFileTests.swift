import Foundation
import Support
import Synchronization
import TestSupport
import Testing

@Suite struct AtomicFileTests {
  @Test func aFileAppearsWithAllItsBytes() throws {
    let folder = try Project.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    try AtomicFile.write([1, 2, 3], to: folder.appendingPathComponent("a"))
    #expect(try Data(contentsOf: folder.appendingPathComponent("a")) == Data([1, 2, 3]))
    #expect(try names(folder) == ["a"])
  }

  @Test func whatIsNotCommittedIsNeverSeen() throws {
    let folder = try Project.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let url = folder.appendingPathComponent("a")
    try AtomicFile.write([1], to: url)
    do {
      let file = try AtomicFile(url)
      try file.write([2, 3])
      #expect(try Data(contentsOf: url) == Data([1]))
    }
    #expect(try Data(contentsOf: url) == Data([1]))
    #expect(try names(folder) == ["a"])
  }

  @Test func ofSeveralThatCreateAFileOneSucceeds() throws {
    let folder = try Project.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let url = folder.appendingPathComponent("a")
    let winners = Mutex<[UInt8]>([])
    DispatchQueue.concurrentPerform(iterations: 16) { index in
      if (try? AtomicFile.create([UInt8(index)], at: url)) == true { winners.withLock { $0.append(UInt8(index)) } }
    }
    let won = winners.withLock { $0 }
    #expect(won.count == 1)
    #expect(try Data(contentsOf: url) == Data(won))
    #expect(try names(folder) == ["a"])
  }

  @Test func aMissingFolderIsNamed() throws {
    let error = #expect(throws: FileError.self) {
      try AtomicFile.write([1], to: URL(fileURLWithPath: "/nowhere/at/all.png"))
    }
    #expect(error?.description == "cannot create /nowhere/at/all.png: No such file or directory")
  }

  @Test func aFullDiskIsAnErrorAndLeavesTheOldFile() throws {
    guard FileManager.default.fileExists(atPath: "/dev/full") else { return }
    // /dev/full cannot be renamed onto; its driver shows that a failed write is reported.
    let error = #expect(throws: FileError.self) { try AtomicFile.write([1], to: URL(fileURLWithPath: "/dev/full/x")) }
    #expect(error?.description.contains("/dev/full/x") == true)
  }

  private func names(_ folder: URL) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path)
  }
}
