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

  @Test func aFullDeviceIsAnError() throws {
    let error = #expect(throws: FileError.self) { try AtomicFile.write([1], to: URL(fileURLWithPath: "/dev/full")) }
    #expect(error?.description == "cannot write /dev/full: No space left on device")
  }

  @Test(arguments: [1, 230, 239, 254, 255])
  func namesOfEveryLengthThatTheSystemAllowsAreWritten(_ length: Int) throws {
    try Project.inTemporaryFolder { folder in
      for name in [String(repeating: "a", count: length), String(repeating: "é", count: length / 2)] where !name.isEmpty
      {
        try AtomicFile.write([7], to: folder.appendingPathComponent(name))
        #expect(try Data(contentsOf: folder.appendingPathComponent(name)) == Data([7]))
      }
    }
  }

  @Test func aLinkStaysOneAndItsFileIsReplaced() throws {
    try Project.inTemporaryFolder { folder in
      func url(_ name: String) -> URL { folder.appendingPathComponent(name) }
      try Data([1]).write(to: url("file"))
      for (link, end) in [("link", "file"), ("second", "link"), ("dangling", "new")] {
        try FileManager.default.createSymbolicLink(atPath: url(link).path, withDestinationPath: end)
        try AtomicFile.write([2], to: url(link))
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: url(link).path) == end)
      }
      #expect(try Data(contentsOf: url("file")) == Data([2]))
      #expect(try Data(contentsOf: url("new")) == Data([2]))
    }
  }

  @Test func permissionsOfTheOldFileStay() throws {
    try Project.inTemporaryFolder { folder in
      let url = folder.appendingPathComponent("a")
      try Data([1]).write(to: url)
      for mode in [0o600, 0o644, 0o660] {
        #expect(chmod(url.path, mode_t(mode)) == 0)
        try AtomicFile.write([2], to: url)
        #expect(try FileManager.default.attributesOfItem(atPath: url.path)[.posixPermissions] as? Int == mode)
      }
    }
  }

  @Test func aPipeIsWrittenThrough() throws {
    try Project.inTemporaryFolder { folder in
      let url = folder.appendingPathComponent("pipe")
      #expect(mkfifo(url.path, 0o600) == 0)
      let reader = open(url.path, O_RDONLY | O_NONBLOCK)
      defer { close(reader) }
      try AtomicFile.write([1, 2, 3], to: url)
      var bytes = [UInt8](repeating: 0, count: 8)
      #expect(read(reader, &bytes, 8) == 3)
      #expect(bytes.prefix(3) == [1, 2, 3])
      #expect(try names(folder) == ["pipe"])
      try AtomicFile.write([1], to: URL(fileURLWithPath: "/dev/null"))
    }
  }

  private func names(_ folder: URL) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path)
  }

  @Test func aFileThatIsThereIsNotCreatedAgain() throws {
    try Project.inTemporaryFolder { folder throws in
      let url = folder.appendingPathComponent("a")
      #expect(try AtomicFile.create([1], at: url))
      #expect(try !AtomicFile.create([2], at: url))
      #expect(try Data(contentsOf: url) == Data([1]))
      #expect(try names(folder) == ["a"])
    }
  }

  @Test func piecesAddUpWithAndWithoutFlushing() throws {
    try Project.inTemporaryFolder { folder in
      for flushing in [true, false] {
        let url = folder.appendingPathComponent("a")
        let file = try AtomicFile(url)
        try file.write([1, 2])
        try file.write([])
        try file.write([UInt8](repeating: 3, count: 100_000))
        try file.commit(flushing: flushing)
        #expect(try Data(contentsOf: url) == Data([1, 2] + [UInt8](repeating: 3, count: 100_000)))
      }
      #expect(try names(folder) == ["a"])
    }
  }

  @Test func aFolderIsNotReplacedByAFile() throws {
    try Project.inTemporaryFolder { folder in
      let error = #expect(throws: FileError.self) { try AtomicFile.write([1], to: folder) }
      #expect(error?.description == "cannot write \(folder.path): it is a folder")
      #expect(error?.path == folder.path)
    }
  }
}
