import Foundation
import Support
import TestSupport
import Testing

@Suite struct AppendFileTests {
  @Test func whatIsThereStays() throws {
    try Project.inTemporaryFolder { folder in
      let url = folder.appendingPathComponent("log")
      try AppendFile(url).write(Array("one\n".utf8))
      try AppendFile(url).write(Array("two\n".utf8))
      #expect(try String(contentsOf: url, encoding: .utf8) == "one\ntwo\n")
    }
  }

  @Test func aLineThatWasCutOffIsEnded() throws {
    try Project.inTemporaryFolder { folder in
      let url = folder.appendingPathComponent("log")
      try AppendFile(url).write(Array("one\ntw".utf8))
      try AppendFile(url, completingLine: true).write(Array("three\n".utf8))
      try AppendFile(url, completingLine: true).write(Array("four\n".utf8))
      #expect(try String(contentsOf: url, encoding: .utf8) == "one\ntw\nthree\nfour\n")
    }
  }

  @Test func aFullDiskIsASentence() throws {
    let file = try AppendFile(URL(fileURLWithPath: "/dev/full"))
    let error = #expect(throws: FileError.self) { try file.write([1]) }
    #expect(error?.description == "cannot write /dev/full: No space left on device")
  }

  @Test func aFileIsMadeWhereThereIsNoneButNoFolder() throws {
    try Project.inTemporaryFolder { folder in
      let url = folder.appendingPathComponent("log")
      _ = try AppendFile(url, completingLine: true)
      #expect(try Data(contentsOf: url).isEmpty, "an empty file needs no line end")
      let missing = folder.appendingPathComponent("no/log")
      let error = #expect(throws: FileError.self) { try AppendFile(missing) }
      #expect(error?.description == "cannot open \(missing.path): No such file or directory")
    }
  }

  @Test func twoWritersDoNotOverwriteEachOther() throws {
    try Project.inTemporaryFolder { folder in
      let url = folder.appendingPathComponent("log")
      let (first, second) = (try AppendFile(url), try AppendFile(url))
      for index in 0..<4 { try (index % 2 == 0 ? first : second).write(Array("\(index)\n".utf8)) }
      #expect(try String(contentsOf: url, encoding: .utf8) == "0\n1\n2\n3\n")
    }
  }
}
