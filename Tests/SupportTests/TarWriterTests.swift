import Foundation
import Support
import TestSupport
import Testing

@Suite struct TarWriterTests {
  private let entries: [(String, [UInt8])] = [
    ("000000.txt", Array("a red apple".utf8)), ("empty", []), ("000000.png", (0..<1024).map { UInt8($0 % 251) }),
    (String(repeating: "n", count: 100), [1, 2, 3]),
  ]

  private func write(_ url: URL) throws {
    let tar = try TarWriter(url)
    for (name, bytes) in entries { try tar.add(name, bytes) }
    try tar.finish()
  }

  @Test func tarReadsWhatWasWritten() throws {
    try Project.inTemporaryFolder { folder in
      try write(folder.appendingPathComponent("a.tar"))
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = ["tar", "xf", "a.tar"]
      process.currentDirectoryURL = folder
      try process.run()
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
      for (name, bytes) in entries {
        #expect(try Array(Data(contentsOf: folder.appendingPathComponent(name))) == bytes)
      }
    }
  }

  @Test func theSameEntriesGiveTheSameBytes() throws {
    try Project.inTemporaryFolder { folder in
      let (first, second) = (folder.appendingPathComponent("a.tar"), folder.appendingPathComponent("b.tar"))
      try write(first)
      try write(second)
      #expect(try Data(contentsOf: first) == Data(contentsOf: second))
    }
  }

  @Test func anUnfinishedArchiveLeavesNothing() throws {
    try Project.inTemporaryFolder { folder in
      do {
        let tar = try TarWriter(folder.appendingPathComponent("a.tar"))
        try tar.add("x", [1])
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }
  }

  @Test func namesThatDoNotFitAreRefused() throws {
    try Project.inTemporaryFolder { folder in
      let tar = try TarWriter(folder.appendingPathComponent("a.tar"))
      #expect(throws: TarWriter.Failure.name("")) { try tar.add("", []) }
      let long = String(repeating: "n", count: 101)
      #expect(throws: TarWriter.Failure.name(long)) { try tar.add(long, []) }
    }
  }

  @Test func theOwnReaderFindsNamesPlacesAndBytes() throws {
    try Project.inTemporaryFolder { folder in
      let url = folder.appendingPathComponent("a.tar")
      try write(url)
      let members = try TarArchive.members(of: FileSlice(path: url.path))
      #expect(members.map(\.name.description) == entries.map(\.0))
      for (member, entry) in zip(members, entries) {
        #expect(try member.slice.read() == entry.1)
        #expect(member.slice.offset % 512 == 0 && member.slice.length == entry.1.count)
      }
    }
  }

  @Test func aFileThatCannotBeMadeIsNamed() {
    let error = #expect(throws: FileError.self) { try TarWriter(URL(fileURLWithPath: "/nowhere/a.tar")) }
    #expect(error?.description == "cannot create /nowhere/a.tar: No such file or directory")
    #expect(
      TarWriter.Failure.size("a", 1 << 33).description
        == "a has 8589934592 bytes; an entry of a tar archive has less than 8 GiB")
  }
}
