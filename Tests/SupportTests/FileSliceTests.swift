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
}
