import Datasets
import Foundation
import TestSupport
import Testing

/// Names of files: bytes, Unicode forms, endings.
@Suite struct FileNameTests {
  private let composed = "caf\u{e9}"
  private let decomposed = "cafe\u{301}"

  /// Bytes of names, in order.
  private func names(_ source: ImageFolder) -> [[UInt8]] { (0..<source.count).map { Array(source.id($0).utf8) } }

  @Test func aCaptionInAnotherUnicodeFormBelongsToItsImage() throws {
    try TestImageFolder.with { folder in
      try folder.writeImage("\(composed).png", 1)
      try folder.write("\(decomposed).txt", "a cup")
      let source = try folder.open()
      #expect(try source.summary == ["\(composed).png|a cup|1"])
      #expect(names(source) == [Array("\(composed).png".utf8)] && source.leftOver.isEmpty)
    }
  }

  @Test func twoFormsOfOneNameAreTwoImages() throws {
    try TestImageFolder.with { folder in
      for (value, name) in [composed, decomposed].enumerated() {
        try folder.writeImage("\(name).png", UInt8(value))
        try folder.write("\(name).txt", "text \(value)")
      }
      let source = try folder.open()
      #expect(names(source) == [Array("\(decomposed).png".utf8), Array("\(composed).png".utf8)])
      #expect(try source.summary.map { String($0.suffix(8)) } == ["text 1|1", "text 0|0"])
      let one = source.fingerprint()
      let path = folder.url.path + "/\(composed).png"
      try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSince1970: 1e9)], ofItemAtPath: path)
      #expect(try folder.open().fingerprint() != one)
    }
  }

  @Test func aTextOfOneFormIsNotTheOthersToo() throws {
    try TestImageFolder.with { folder in
      try folder.writeImage("\(composed).png", 1)
      try folder.writeImage("\(decomposed).png", 2)
      try folder.write("\(composed).txt", "a cup")
      #expect(
        try folder.open().summary.map { Array($0.utf8) } == [
          Array("\(decomposed).png||2".utf8), Array("\(composed).png|a cup|1".utf8),
        ])
    }
  }

  @Test func metadataNamesFilesInEitherForm() throws {
    try TestImageFolder.with { folder in
      try folder.writeImage("\(decomposed).png", 1)
      try folder.write("metadata.jsonl", "{\"file_name\": \"\(composed).png\", \"text\": \"a cup\"}")
      let source = try folder.open()
      #expect(try source.summary == ["\(decomposed).png|a cup|1"] && source.leftOver.isEmpty)
      try folder.writeImage("\(composed).png", 2)
      #expect(try folder.open().summary == ["\(composed).png|a cup|2"])
      #expect(try folder.open().leftOver.map { Array($0.utf8) } == [Array("\(decomposed).png".utf8)])
      let lines = [composed, decomposed].map { "{\"file_name\": \"\($0).png\", \"text\": \"\($0.utf8.count)\"}" }
      try folder.write("metadata.jsonl", lines.joined(separator: "\n"))
      #expect(try folder.open().summary.map { String($0.suffix(4)) } == ["|6|1", "|5|2"])
    }
  }

  @Test func membersOfArchivesKeepTheirForms() throws {
    try TestImageFolder.with { folder in
      let members = try [composed, decomposed].enumerated().flatMap { value, name in
        [("\(name).png", try TestImageFolder.example(UInt8(value))), ("\(name).txt", Array("text \(value)".utf8))]
      }
      try folder.write("a.tar", TarBytes.archive(members))
      #expect(try folder.open().summary.map { String($0.suffix(8)) } == ["text 1|1", "text 0|0"])
      try folder.write("a.tar", TarBytes.archive([members[0], members[3]]))
      #expect(try folder.open().summary.map { String($0.suffix(8)) } == ["text 1|0"])
    }
  }

  @Test func namesThatAreNoUTF8AreReadAndKeptApart() throws {
    try TestImageFolder.with { folder in
      for (value, byte) in [UInt8(0xe8), 0xe9].enumerated() {
        for (ending, bytes) in [
          ("png", try TestImageFolder.example(UInt8(value))), ("txt", Array("text \(value)".utf8)),
        ] {
          let path: [UInt8] = Array("\(folder.url.path)/caf".utf8) + [byte] + Array(".\(ending)".utf8) + [0]
          let file = try #require(
            path.withUnsafeBufferPointer { buffer in
              buffer.withMemoryRebound(to: CChar.self) { fopen($0.baseAddress!, "w") }
            })
          fwrite(bytes, 1, bytes.count, file)
          fclose(file)
        }
      }
      #expect(try folder.open().summary == ["caf\u{FFFD}.png|text 0|0", "caf\u{FFFD}.png|text 1|1"])
    }
  }

  @Test func marksAfterASlashOrADotAreNoPartOfIt() throws {
    try TestImageFolder.with { folder in
      try folder.writeImage("a/\u{301}x.png", 1)
      try folder.write("a/\u{301}x.txt", "a mark")
      #expect(try folder.open().summary == ["a/\u{301}x.png|a mark|1"])
    }
  }

  @Test(arguments: ["jfif", "jpe", "JFIF", "JPEG", "Png", "WEBP"]) func endingsOfImages(_ ending: String) throws {
    try TestImageFolder.with { folder in
      try folder.writeImage("a.\(ending)", 1)  // by content, whatever the name says
      try folder.write("a.TXT", "a cat")
      #expect(try folder.open().summary == ["a.\(ending)|a cat|1"])
      try folder.write("a.tar", TarBytes.archive([("1.\(ending)", try TestImageFolder.example(2))]))
      #expect(try folder.open().summary == ["a.tar/1.\(ending)||2"])
    }
  }

  @Test func captionFilesAreTextsAndTheFirstOfSeveralCounts() throws {
    try TestImageFolder.with { folder in
      for name in ["a", "b", "c"] { try folder.writeImage("\(name).png", 1) }
      try folder.write("a.caption", "a caption")
      try folder.write("b.caption", "another")
      try folder.write("b.TXT", "a text")
      try folder.write("c.Caption", "loud")
      try folder.write("d.caption", "lonely")
      let source = try folder.open()
      #expect(try source.summary == ["a.png|a caption|1", "b.png|a text|1", "c.png|loud|1"])
      #expect(source.leftOver == ["b.caption", "d.caption"])
      let members = [("1.png", try TestImageFolder.example(1)), ("1.caption", Array("in a tar".utf8))]
      try folder.write("x.tar", TarBytes.archive(members))
      #expect(try folder.open().summary == ["x.tar/1.png|in a tar|1"])
    }
  }

  @Test func metadataMayBeWrittenInCapitals() throws {
    try TestImageFolder.with { folder in
      try folder.writeImage("a.png", 1)
      try folder.write("Metadata.JSONL", "{\"file_name\": \"a.png\", \"text\": \"a cat\"}")
      #expect(try folder.open().summary == ["a.png|a cat|1"])
      try folder.write("metadata.jsonl", "{\"file_name\": \"a.png\"}")
      let error = #expect(throws: DatasetError.self) { try folder.open() }
      #expect(error?.description.hasSuffix("the folder also has Metadata.JSONL; keep only one of them") == true)
    }
  }

  @Test func filesThatAreNotReadAreNamed() throws {
    let unread = [
      "a.gif", "b.bmp", "c.tif", "d.TIFF", "e.avif", "f.heic", "g.tar.gz", "h.tgz", "i.zip", "j.parquet", "k.jsonl",
      "l.json", "m.csv", "n.jxl",
    ]
    try TestImageFolder.with { folder in
      for name in unread + ["notes.md", "dataset.json"] { try folder.write(name, "x") }
      try folder.writeImage("z.png", 1)
      #expect(try folder.open().leftOver == unread.sorted())
    }
    try TestImageFolder.with { folder in
      try folder.write("g.tar.gz", "x")
      let error = #expect(throws: DatasetError.self) { try folder.open() }
      #expect(error?.description.hasSuffix("and found 1 .tar.gz") == true)
    }
  }
}
