import Foundation
import Support
import TestSupport
import Testing

@Suite struct AtomicFolderTests {
  @Test func aFolderAppearsWithAllItsFiles() throws {
    try Project.inTemporaryFolder { root in
      let target = root.appendingPathComponent("a")
      let folder = try AtomicFolder(target)
      try AtomicFile.write([1], to: folder.url.appendingPathComponent("one"))
      #expect(!FileManager.default.fileExists(atPath: target.path))
      try folder.commit()
      #expect(try names(root) == ["a"])
      #expect(try names(target) == ["one"])
    }
  }

  @Test func aFolderReplacesTheOneBeforeItWholly() throws {
    try Project.inTemporaryFolder { root in
      let target = root.appendingPathComponent("a")
      for name in ["one", "two"] {
        try AtomicFolder.write(target) { try AtomicFile.write([1], to: $0.appendingPathComponent(name)) }
      }
      #expect(try names(root) == ["a"])
      #expect(try names(target) == ["two"])
    }
  }

  @Test func whatIsNotCommittedIsNeverSeen() throws {
    try Project.inTemporaryFolder { root in
      let target = root.appendingPathComponent("a")
      try AtomicFolder.write(target) { try AtomicFile.write([1], to: $0.appendingPathComponent("one")) }
      do {
        let folder = try AtomicFolder(target)
        try AtomicFile.write([2], to: folder.url.appendingPathComponent("two"))
        #expect(try names(target) == ["one"])
      }
      #expect(try names(root) == ["a"])
      #expect(try names(target) == ["one"])
    }
  }

  /// The process number of a child that has ended stands for one that was killed.
  @Test func whatKilledProcessesLeftGoesAndWhatLivingOnesWriteStays() throws {
    try Project.inTemporaryFolder { root in
      let child = Process()
      child.executableURL = URL(fileURLWithPath: "/bin/true")
      try child.run()
      child.waitUntilExit()
      let left = root.appendingPathComponent(".a.7.\(child.processIdentifier).part")
      let foreign = root.appendingPathComponent(".a.part")
      for url in [left, foreign] { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }
      let writing = try AtomicFolder(root.appendingPathComponent("b"))
      AtomicFolder.removeLeftovers(in: root)
      #expect(try names(root) == [foreign.lastPathComponent, writing.url.lastPathComponent].sorted())
    }
  }

  @Test func aMissingFolderIsNamed() {
    let error = #expect(throws: FileError.self) { _ = try AtomicFolder(URL(fileURLWithPath: "/nowhere/at/all")) }
    #expect(error?.description == "cannot create /nowhere/at/all: No such file or directory")
  }

  private func names(_ folder: URL) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
  }
}
