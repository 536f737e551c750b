import Datasets
import Foundation
import TestSupport
import Testing

@Suite struct ImageFolderTests {
  @Test func imagesWithTextFilesBesideThem() throws {
    try TestImageFolder.with { folder in
      try folder.writeImage("b.PNG", 2)
      try folder.writeImage("a/deep/z.jpg", 1)
      try folder.writeImage("c.webp", 3)
      try folder.writeImage(".hidden/x.png", 9)
      try folder.write("b.txt", "\u{FEFF}a cat\r\n\n  the same cat \r\n")
      try folder.write("a/deep/z.txt", "a dog")
      try folder.write("lonely.txt", "nothing")
      try folder.write("d.gif", "GIF89a")
      let source = try folder.open()
      #expect(source.layout == .textFiles)
      #expect(try source.summary == ["a/deep/z.jpg|a dog|1", "b.PNG|a cat/the same cat|2", "c.webp||3"])
      #expect(source.leftOver == ["d.gif", "lonely.txt"])
    }
  }

  @Test func smallImagesAreFoundByTheirHeaders() throws {
    try TestImageFolder.with { folder in
      try folder.writeImage("a.png", 1, width: 40, height: 30)
      try folder.writeImage("b.png", 1, width: 30, height: 80)
      try folder.writeImage("c.png", 1, width: 29, height: 80)
      try folder.write("d.png", "no image")
      let source = try folder.open()
      #expect(source.images(below: 30).map { "\($0.id) \($0.width) \($0.height)" } == ["c.png 29 80"])
      #expect(source.images(below: 29).isEmpty && source.images(below: 31).map(\.id) == ["a.png", "b.png", "c.png"])
    }
  }

  @Test func sizesAreReadFromTheHeaders() throws {
    try TestImageFolder.with { folder in
      try folder.writeImage("a.png", 1, width: 40, height: 30)
      try folder.write("b.png", "no image")
      try folder.writeImage("c.png", 1, width: 3, height: 80)
      let sizes = try folder.open().uprightSizes()
      #expect(sizes.map { $0.map { [$0.width, $0.height] } } == [[40, 30], nil, [3, 80]])
    }
  }

  @Test func linesOfJSONNameImages() throws {
    try TestImageFolder.with { folder in
      for (name, value) in [("train/1.png", 1), ("train/2.png", 2), ("train/3.png", 3)] {
        try folder.writeImage(name, UInt8(value))
      }
      try folder.write(
        "train/metadata.jsonl",
        """
        {"file_name": "2.png", "text": "zwei \\u00e4pfel\\nauf Gras"}

        {"file_name": "./1.png", "caption": ["one", "eins"], "width": 6}
        {"file_name": "2.png", "text": "two"}
        """)
      let source = try folder.open()
      #expect(source.layout == .metadata)
      #expect(try source.summary == ["train/1.png|one/eins|1", "train/2.png|zwei äpfel auf Gras/two|2"])
      #expect(source.leftOver == ["train/3.png"])
    }
  }

  @Test func linesOfATableNameImages() throws {
    try TestImageFolder.with { folder in
      for value: UInt8 in 1...3 { try folder.writeImage("\(value).png", value) }
      try folder.write(
        "metadata.csv",
        "\u{FEFF}id,text,file_name\r\n7,\"a cat, \"\"Tom\"\"\r\nasleep\",1.png\r\n8,,2.png\r\n9,three,3.png\r\n")
      let source = try folder.open()
      #expect(try source.summary == ["1.png|a cat, \"Tom\" asleep|1", "2.png||2", "3.png|three|3"])
    }
  }

  @Test func archivesGroupMembersByTheirKeys() throws {
    try TestImageFolder.with { folder in
      try folder.write(
        "shards/01.tar",
        TarBytes.archive([
          ("./x/000.txt", Array("a cat\na kitten".utf8)), ("./x/000.png", try TestImageFolder.example(1)),
          ("x/001.json", Array("{\"caption\": \"a dog\"}".utf8)), ("x/001.jpg", try TestImageFolder.example(2)),
          ("x/001.cls", [0x31]), ("x/002.txt", Array("no image".utf8)), ("x/._000.png", [0]),
        ]))
      try folder.write("shards/00.tar", TarBytes.archive([("9.webp", try TestImageFolder.example(3))]))
      let source = try folder.open()
      #expect(source.layout == .archives)
      #expect(
        try source.summary == [
          "shards/00.tar/9.webp||3", "shards/01.tar/x/000.png|a cat/a kitten|1", "shards/01.tar/x/001.jpg|a dog|2",
        ])
      #expect(source.leftOver == ["shards/01.tar/x/002"])
      #expect(try ImageFolder(folder.url.appendingPathComponent("shards/00.tar")).summary == ["00.tar/9.webp||3"])
    }
  }

  @Test func theDigestNamesImagesCaptionsAndOrder() throws {
    try TestImageFolder.with { folder in
      try folder.writeImage("a.png", 1)
      try folder.write("a.txt", "a cat")
      let first = try folder.open().digest
      #expect(try folder.open().digest == first)
      try folder.write("a.txt", "a dog")
      let second = try folder.open().digest
      #expect(second != first)
      try folder.writeImage("b.png", 1)
      #expect(try folder.open().digest != second)
    }
  }

  @Test func theFingerprintAlsoKnowsWhenAFileWasChanged() throws {
    try TestImageFolder.with { folder in
      try folder.writeImage("a.png", 1)
      try folder.write("a.txt", "a cat")
      let (digest, first) = (try folder.open().digest, try folder.open().fingerprint())
      #expect(try folder.open().fingerprint() == first)
      let path = folder.url.appendingPathComponent("a.png").path
      try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSince1970: 1e9)], ofItemAtPath: path)
      #expect(try folder.open().digest == digest)
      #expect(try folder.open().fingerprint() != first)
    }
  }

  @Test func whatHoldsNoImagesIsToldWhatWasLookedFor() throws {
    try TestImageFolder.with { folder in
      func sentence(_ url: URL) throws -> String {
        try #require(#expect(throws: DatasetError.self) { try ImageFolder(url) }).description
      }
      #expect(try sentence(folder.url).hasSuffix("and found an empty folder"))
      try folder.write("a.gif", "GIF89a")
      try folder.write("b.gif", "GIF89a")
      try folder.write("notes.md", "x")
      let said = try sentence(folder.url)
      #expect(said.contains("metadata.jsonl or metadata.csv") && said.hasSuffix("and found 2 .gif, 1 .md"))
      #expect(
        try sentence(folder.url.appendingPathComponent("notes.md")).contains("neither a folder nor a .tar archive"))
      #expect(try sentence(folder.url.appendingPathComponent("none")).hasSuffix("none does not exist"))
    }
  }

  @Test(arguments: [
    ("metadata.jsonl", "{\"file_name\": \"a.png\"}\n[1]\n", "line 2: it is not a JSON object"),
    ("metadata.jsonl", "{\"photo\": \"a.png\"}\n", "line 1: \"file_name\" is missing; there are \"photo\""),
    (
      "metadata.jsonl", "{\"image\": \"a.png\", \"text\": 7}\n",
      "line 1: \"text\" is neither a string nor a list of strings"
    ),
    (
      "metadata.jsonl", "{\"image\": \"a.png\", \"prompt\": [\"a\", {}]}\n",
      "line 1: \"prompt\" is neither a string nor a list of strings"
    ),
    ("metadata.jsonl", "{\"image\": \"a.png\\u0000b\"}\n", "line 1: the file name \"a.png"),
    (
      "metadata.jsonl", "{\"file_name\": \"../a.png\"}\n",
      "line 1: the file name \"../a.png\" is outside the folder"
    ),
    ("metadata.csv", "file_name,text\na.png\n", "line 2: it has 1 fields, the header 2"),
    (
      "metadata.csv", "name,text\na.png,b\n",
      "columns file_name and text, caption or prompt are needed; there are \"name\", \"text\""
    ),
    ("metadata.csv", "file_name,text\na.png,\"b\n", "line 2: unclosed quote"),
  ])
  func wrongMetadataIsNamedWithItsLine(_ name: String, _ text: String, _ expected: String) throws {
    try TestImageFolder.with { folder in
      try folder.write(name, text)
      let error = #expect(throws: DatasetError.self) { try folder.open() }
      #expect(error?.description.contains(expected) == true, "\(String(describing: error))")
    }
  }

  @Test func filesThatCannotBeReadAreNamedOneByOne() throws {
    try TestImageFolder.with { folder in
      try folder.writeImage("a.png", 1)
      try folder.write("b.png", Array(try TestImageFolder.example(2).prefix(40)))
      try folder.write(
        "metadata.jsonl", ["a", "b", "c"].map { "{\"file_name\": \"\($0).png\"}" }.joined(separator: "\n"))
      let source = try folder.open()
      #expect(source.count == 3)
      let damaged = #expect(throws: DatasetError.self) { try source.image(1) }
      #expect(damaged?.description.hasPrefix("b.png is not a valid PNG image") == true)
      let missing = #expect(throws: DatasetError.self) { try source.image(2) }
      #expect(missing?.description.hasSuffix("c.png: No such file or directory") == true)

      let readable = ReadableImages(source)
      let found = try readable.example(1, size: 2)
      #expect(found.index == 0 && found.example.id == "a.png")
      #expect(readable.failed.map(\.id) == ["b.png", "c.png"])
    }
  }

  @Test func aTextThatCannotBeReadIsAnErrorOfItsImageAlone() throws {
    try TestImageFolder.with { folder in
      try folder.writeImage("a.png", 1)
      try folder.write("a.txt", String(repeating: "x", count: 1 << 20 + 1))
      try folder.writeImage("b.png", 2)
      let source = try folder.open()
      let error = #expect(throws: DatasetError.self) { try source.image(0) }
      #expect(error?.description.contains("a.txt: it has 1048577 bytes, more than the 1048576 that are read") == true)
      #expect(try source.image(1).pixels[0] == 2)
    }
  }

  @Test func ofMembersWithOneNameTheLastCounts() throws {
    try TestImageFolder.with { folder in
      let members = try [1, 2].map { (name: "a.png", data: try TestImageFolder.example($0)) }
      try folder.write("a.tar", TarBytes.archive(members))
      #expect(try folder.open().summary == ["a.tar/a.png||2"])
    }
  }

  @Test func whenNothingCanBeReadTrainingIsTold() throws {
    try TestImageFolder.with { folder in
      try folder.write("a.png", "no")
      let readable = ReadableImages(try folder.open())
      let error = #expect(throws: DatasetError.self) { try readable.example(0, size: 2) }
      #expect(error?.description.hasPrefix("none of the 1 images can be read; first error: a.png is no") == true)
    }
  }
}
