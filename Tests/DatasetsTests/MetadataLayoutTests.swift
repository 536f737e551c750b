import Datasets
import Foundation
import TestSupport
import Testing

/// Metadata that is damaged, contradicts itself or names what is not there.
@Suite struct MetadataLayoutTests {
  private func refusal(_ files: [String: [UInt8]]) throws -> String? {
    var sentence: String?
    try TestImageFolder.with { folder in
      try folder.writeImage("a.png", 1)
      for (name, bytes) in files { try folder.write(name, bytes) }
      sentence = #expect(throws: DatasetError.self) { try folder.open() }?.description
    }
    return sentence
  }

  private func refusal(_ name: String, _ text: String) throws -> String? { try refusal([name: Array(text.utf8)]) }

  @Test func twoMetadataFilesInOneFolderAreRefused() throws {
    let line = Array(#"{"file_name": "a.png"}"#.utf8)
    let sentence = try refusal(["metadata.jsonl": line, "metadata.csv": Array("file_name,text\na.png,b".utf8)])
    #expect(sentence?.contains("the folder also has metadata.") == true, "\(sentence ?? "")")
    #expect(sentence?.hasSuffix("; keep only one of them") == true)
  }

  @Test(arguments: ["", "\u{FEFF}", "\n\r\n"]) func anEmptyTableIsSaidToBeEmpty(_ text: String) throws {
    #expect(try refusal("metadata.csv", text)?.hasSuffix("metadata.csv, line 1: it is empty") == true)
  }

  @Test(arguments: ["", "\n \t\r\n"]) func linesWithoutAnythingAreNoImages(_ text: String) throws {
    #expect(try refusal("metadata.jsonl", text)?.contains("has no images") == true)
    #expect(try refusal("metadata.csv", "file_name,text\n")?.contains("has no images") == true)
  }

  @Test(arguments: [
    "/a.png", "..", "./..", "x/../../a.png", "", ".", "/",
  ])
  func namesOutsideTheFolderAreRefused(_ name: String) throws {
    let sentence = "line 1: the file name \"\(name)\" is outside the folder"
    #expect(try refusal("metadata.jsonl", "{\"file_name\": \"\(name)\"}")?.hasSuffix(sentence) == true)
    let row = "line 2: the file name \"\(name)\" is outside the folder"
    #expect(try refusal("metadata.csv", "text,file_name\na cat,\(name)\n")?.hasSuffix(row) == true)
  }

  @Test func bytesThatAreNoUTF8AreNoJSON() throws {
    let line = Array(#"{"file_name": "a.png", "text": "caf"#.utf8) + [0xe9] + Array("\"}\n".utf8)
    #expect(try refusal(["metadata.jsonl": line])?.hasSuffix("line 1: it is not a JSON object") == true)
  }

  @Test func aLineThatWasCutOffIsNamed() throws {
    let sentence = try refusal("metadata.jsonl", "{\"file_name\": \"a.png\"}\n\n{\"file_name\": \"b.p")
    #expect(sentence?.hasSuffix("metadata.jsonl, line 3: it is not a JSON object") == true)
  }

  @Test func aNameThatIsNoTextIsMissing() throws {
    let sentence = try refusal("metadata.jsonl", #"{"file_name": 7, "text": "a"}"#)
    #expect(sentence?.hasSuffix("\"file_name\" is missing; there are \"file_name\", \"text\"") == true)
    #expect(try refusal("metadata.jsonl", "{}")?.hasSuffix("\"file_name\" is missing; there are none") == true)
  }

  @Test func tablesWithTooManyFieldsAreNamedByTheirLine() throws {
    let sentence = try refusal("metadata.csv", "file_name,text\na.png,\"one\ntwo\"\na.png,b,c\n")
    #expect(sentence?.hasSuffix("metadata.csv, line 4: it has 3 fields, the header 2") == true)
  }

  @Test func textThatIsNoUTF8IsReadAndReported() throws {
    try TestImageFolder.with { folder in
      try folder.writeImage("a.png", 1)
      try folder.write("metadata.csv", Array("file_name,text\na.png,caf".utf8) + [0xe9, 10])
      let source = try folder.open()
      #expect(source.captions(0) == ["caf\u{FFFD}"])
      #expect(source.warnings == ["captions of 1 image not in UTF-8: a.png"])
    }
  }

  @Test func everyFolderHasItsOwnMetadata() throws {
    try TestImageFolder.with { folder in
      for (name, value) in [("x/a.png", 1), ("y/a.png", 2), ("a.png", 3)] { try folder.writeImage(name, UInt8(value)) }
      try folder.write("x/metadata.jsonl", #"{"file_name": "a.png", "text": "of x"}"#)
      try folder.write("y/metadata.csv", "file_name,text\na.png,of y\n")
      let source = try folder.open()
      #expect(try source.summary == ["x/a.png|of x|1", "y/a.png|of y|2"] && source.leftOver == ["a.png"])
    }
  }
}
