import Datasets
import Foundation
import TestSupport
import Testing

/// Where captions come from, and what is left out and said.
@Suite struct CaptionSourceTests {
  @Test func fieldsOfAnArchiveAreAllThatFollowsTheFirstDot() throws {
    try TestImageFolder.with { folder in
      let members = try ["1.png", "1.seg.png", "1.left.jpg", "1.depth.webp", "1.v2.PNG"].enumerated().map {
        ($1, try TestImageFolder.example(UInt8($0)))
      }
      try folder.write("a.tar", TarBytes.archive(members + [("1.txt", Array("a cat".utf8)), ("1.seg.txt", [0x78])]))
      let source = try folder.open()
      #expect(try source.summary == ["a.tar/1.png|a cat|0"])
      #expect(source.leftOver == ["a.tar/1.depth.webp", "a.tar/1.left.jpg", "a.tar/1.seg.png", "a.tar/1.v2.PNG"])
      try folder.write("a.tar", TarBytes.archive([members[1]]))
      let error = #expect(throws: DatasetError.self) { try folder.open() }
      #expect(error?.description.contains("no image in the archive") == true)
      #expect(error?.description.hasSuffix("unlike a.tar/1.seg.png") == true)
    }
  }

  @Test func membersWithStepsInTheirNamesAreRead() throws {
    try TestImageFolder.with { folder in
      let names = ["../a.png", "x/../../b.png", "./c.png", "x/./d.png", "/e.png", ".hidden/f.png", "x/.g.png"]
      let members = try names.enumerated().map { ($1, try TestImageFolder.example(UInt8($0))) }
      try folder.write("t.tar", TarBytes.archive(members + [("../a.txt", Array("a cat".utf8))]))
      #expect(
        try folder.open().summary == [
          "t.tar/../a.png|a cat|0", "t.tar//e.png||4", "t.tar/c.png||2", "t.tar/x/../../b.png||1", "t.tar/x/./d.png||3",
        ])
    }
  }

  @Test func aKeyThatIsNullLetsTheNextOneSpeak() throws {
    let records = [
      #"{"text": null, "caption": "a cat"}"#, #"{"text": "", "caption": "a dog"}"#,
      #"{"text": [], "prompt": ["a fox", null]}"#, #"{"prompt": "a cow", "label": 3}"#,
      #"{"text": "a hen", "caption": "no"}"#, #"{"text": null}"#,
    ]
    let expected = ["a cat", "a dog", "a fox", "a cow", "a hen", ""]
    try TestImageFolder.with { folder in
      for index in records.indices { try folder.writeImage("\(index).png", UInt8(index)) }
      let lines = records.enumerated().map { "{\"image\": \"\($0).png\", " + $1.dropFirst() }
      try folder.write("metadata.jsonl", lines.joined(separator: "\n"))
      let summary = expected.enumerated().map { "\($0).png|\($1)|\($0)" }
      #expect(try folder.open().summary == summary)
      let members = try records.enumerated().flatMap {
        [("\($0).json", Array($1.utf8)), ("\($0).png", try TestImageFolder.example(UInt8($0)))]
      }
      try folder.write("metadata.jsonl", "")
      try FileManager.default.removeItem(at: folder.url.appendingPathComponent("metadata.jsonl"))
      try folder.write("a.tar", TarBytes.archive(members))
      #expect(try folder.open().summary == summary.map { "a.tar/" + $0 })
    }
  }

  @Test func tablesHaveOtherColumns() throws {
    try TestImageFolder.with { folder in
      for index in 0..<2 { try folder.writeImage("\(index).png", UInt8(index)) }
      try folder.write("metadata.csv", "image,prompt,caption\n0.png,a cat,\n1.png,,a dog\n")
      #expect(try folder.open().summary == ["0.png|a cat|0", "1.png|a dog|1"])
      try folder.write("metadata.csv", "filename,text,caption\n0.png,,a cat\n1.png,a dog,no\n")
      #expect(try folder.open().summary == ["0.png|a cat|0", "1.png|a dog|1"])
    }
  }

  @Test func columnsWithoutCaptionsAreNamed() throws {
    try TestImageFolder.with { folder in
      try folder.writeImage("a.png", 1)
      try folder.write("metadata.jsonl", "{\"file_name\": \"a.png\", \"label\": 3}")
      let source = try folder.open()
      #expect(
        source.remarks == ["metadata.jsonl: no line has text, caption or prompt; there are \"file_name\", \"label\""])
    }
  }

  @Test(arguments: [
    ("{\"text\": ", "it is not a JSON object"), ("[1]", "it is not a JSON object"),
    ("{\"text\": 7}", "\"text\" is neither a string nor a list of strings"),
  ])
  func aBrokenRecordOfAnArchiveIsAnErrorOfItsImage(_ json: String, _ reason: String) throws {
    try TestImageFolder.with { folder in
      let members = [
        ("1.json", Array(json.utf8)), ("1.png", try TestImageFolder.example(1)),
        ("2.png", try TestImageFolder.example(2)),
        ("2.txt", Array("a cat".utf8)),
      ]
      try folder.write("a.tar", TarBytes.archive(members))
      let source = try folder.open()
      let error = #expect(throws: DatasetError.self) { try source.image(0) }
      #expect(error?.description == "a.tar/1.json: \(reason)")
      #expect(try source.image(1).pixels[0] == 2)
      #expect(source.warnings == ["captions of 1 image cannot be read; the first: a.tar/1.json: \(reason)"])
    }
  }

  @Test func masksAreLeftOutAndNamed() throws {
    let masks = [
      "a-masklabel.png", "a_mask.png", "b-Mask.PNG", "masks/a.png", "sub/masks/c.png", "x/mask/d.png",
    ]
    let images = [
      "a.jpg", "b.png", "sub/images/c.jpg", "x/d.png", "wolf_mask.png", "masks/lonely.png", "e_mask.png", "e.png",
    ]
    try TestImageFolder.with { folder in
      for name in masks + images { try folder.writeImage(name, 1) }
      try folder.write("e_mask.txt", "a mask that somebody wears")
      let source = try folder.open()
      #expect(source.masks == masks.sorted())
      #expect((0..<source.count).map { source.id($0) } == images.sorted())
    }
    try TestImageFolder.with { folder in
      let members = try ["1.png", "1_mask.png", "2_mask.png"].map { ($0, try TestImageFolder.example(1)) }
      try folder.write("a.tar", TarBytes.archive(members))
      let source = try folder.open()
      #expect(source.masks == ["a.tar/1_mask.png"])
      #expect((0..<source.count).map { source.id($0) } == ["a.tar/1.png", "a.tar/2_mask.png"])
    }
  }

  @Test func warningsSayWhatReadingTheNamesAndTextsTells() throws {
    try TestImageFolder.with { folder in
      for name in ["a.png", "b.png", "c.png", "d.png", "e.png", "f.png", "a_mask.png"] {
        try folder.writeImage(name, 1)
      }
      try folder.write("a.txt", Array("caf".utf8) + [0xe9])
      try folder.write("f.txt", "a cat")
      try folder.write("old.gif", "x")
      #expect(
        try folder.open().warnings == [
          "4 images without a caption: b.png, c.png, d.png and 1 more", "captions of 1 image not in UTF-8: a.png",
          "1 ignored as masks: a_mask.png", "1 not used: old.gif",
        ])
    }
  }
}
