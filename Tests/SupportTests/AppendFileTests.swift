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
}
