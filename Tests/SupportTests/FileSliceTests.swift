import Foundation
import Support
import TestSupport
import Testing

@Suite struct FileSliceTests {
  @Test func slicesAreReadAndWhatIsNotThereIsRefused() throws {
    try Project.inTemporaryFolder { folder in
      let path = folder.appendingPathComponent("a").path
      try Data("abcdef".utf8).write(to: URL(fileURLWithPath: path))
      #expect(try FileSlice(path: path).read() == Array("abcdef".utf8))
      #expect(try FileSlice(path: path, offset: 2, length: 3).read() == Array("cde".utf8))
      for (offset, length) in [(4, 3), (7, 0), (-1, 2), (0, -1), (0, .max)] {
        #expect(throws: FileError.self) { try FileSlice(path: path, offset: offset, length: length).read() }
      }
      let error = #expect(throws: FileError.self) { try FileSlice(path: path).read(limit: 5) }
      #expect(error?.description == "cannot read \(path): it has 6 bytes, more than the 5 that are read")
      #expect(throws: FileError.self) { try FileSlice(path: folder.path).read() }
      #expect(throws: FileError.self) { try FileSlice(path: path + "x").read() }
    }
  }

  @Test func theFirstBytesAreAsManyAsThereAre() throws {
    try Project.inTemporaryFolder { folder in
      let path = folder.appendingPathComponent("a").path
      try Data("abcdef".utf8).write(to: URL(fileURLWithPath: path))
      #expect(try FileSlice(path: path).read(first: 2) == Array("ab".utf8))
      #expect(try FileSlice(path: path).read(first: 99) == Array("abcdef".utf8))
      #expect(try FileSlice(path: path, offset: 3).read(first: 2) == Array("de".utf8))
      #expect(try FileSlice(path: path, offset: 1, length: 2).read(first: 5) == Array("bc".utf8))
      #expect(try FileSlice(path: path).read(first: 0).isEmpty)
    }
  }

  @Test func aSliceToTheEndHasTheRest() throws {
    try Project.inTemporaryFolder { folder in
      let path = folder.appendingPathComponent("a").path
      try Data("abcdef".utf8).write(to: URL(fileURLWithPath: path))
      #expect(try FileSlice(path: path, offset: 4).read() == Array("ef".utf8))
      #expect(try FileSlice(path: path, offset: 6).read().isEmpty)
      #expect(try FileSlice(path: path, offset: 2).read(limit: 4) == Array("cdef".utf8), "the limit is the slice's")
    }
  }

  @Test func namesThatAreNotUTF8AreOpened() throws {
    try Project.inTemporaryFolder { folder throws in
      let name = ByteString(folder.path) + "/" + ByteString([0x61, 0xff])
      let descriptor = (name.bytes.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer {
        open($0.baseAddress!, O_WRONLY | O_CREAT, 0o600)
      }
      #expect(write(descriptor, [7], 1) == 1)
      close(descriptor)
      #expect(try FileSlice(name: name).read() == [7])
      #expect(FileSlice(name: name).facts?.st_size == 1)
    }
  }

  @Test func aPipeIsNoFileAndIsNotWaitedFor() throws {
    try Project.inTemporaryFolder { folder in
      let path = folder.appendingPathComponent("pipe").path
      #expect(mkfifo(path, 0o600) == 0)
      let error = #expect(throws: FileError.self) { try FileSlice(path: path).read() }
      #expect(error?.description == "cannot read \(path): it is not a regular file")
    }
  }

  @Test func aFolderIsKnownAndALinkToOneIsNot() throws {
    try Project.inTemporaryFolder { folder in
      let link = folder.appendingPathComponent("link").path
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: folder.path)
      #expect(FileSlice(path: folder.path).isFolderItself && !FileSlice(path: link).isFolderItself)
      #expect(FileSlice(path: link).facts != nil && FileSlice(path: link + "x").facts == nil)
      #expect(!FileSlice(path: link + "x").isFolderItself)
    }
  }
}
