import Datasets
import Foundation
import TestSupport
import Testing

/// Archives that are damaged, or hold what does not belong together.
@Suite struct ArchiveLayoutTests {
  private func refusal(_ folder: TestImageFolder) -> String? {
    #expect(throws: DatasetError.self) { try folder.open() }?.description
  }

  @Test func aTruncatedArchiveIsNamedWithThePlace() throws {
    try TestImageFolder.with { folder in
      let whole = TarBytes.archive([("a.png", try TestImageFolder.example(1)), ("a.txt", Array("a cat".utf8))])
      let path = folder.url.resolvingSymlinksInPath().appendingPathComponent("a.tar").path
      for (count, reason) in [
        (whole.count - 1024, "at byte 2048, it ends without the zeros that mark the end: the file is truncated"),
        (530, "at byte 0, \"a.png\" claims"), (100, "at byte 0, it ends without the zeros"), (0, "at byte 0, it ends"),
      ] {
        try folder.write("a.tar", Array(whole.prefix(count)))
        #expect(refusal(folder)?.hasPrefix("\(path) is not a valid tar archive: \(reason)") == true, "\(count) bytes")
      }
    }
  }

  @Test func aCompressedArchiveIsSaidToBeOne() throws {
    try TestImageFolder.with { folder in
      try folder.write("a.tar", [0x1f, 0x8b, 8] + [UInt8](repeating: 7, count: 2000))
      #expect(refusal(folder)?.hasSuffix("it is damaged, or the archive is compressed") == true)
    }
  }

  @Test func oneDamagedArchiveAmongOthersIsAnError() throws {
    try TestImageFolder.with { folder in
      try folder.write("0.tar", TarBytes.archive([("a.png", try TestImageFolder.example(1))]))
      try folder.write("1.tar", "no archive")
      #expect(refusal(folder)?.contains("/1.tar is not a valid tar archive") == true)
    }
  }

  @Test func aDamagedImageOfAnArchiveIsAnErrorOfItsOwn() throws {
    try TestImageFolder.with { folder in
      let image = try TestImageFolder.example(1)
      try folder.write(
        "a.tar",
        TarBytes.archive([("a.png", Array(image.prefix(40))), ("b.png", image), ("c.jpg", []), ("d.webp", [0x52])]))
      let source = try folder.open()
      #expect(try source.image(1).pixels[0] == 1)
      for (index, reason) in [
        (0, "a.tar/a.png is not a valid PNG image"), (2, "a.tar/c.jpg is not a supported image"),
        (3, "a.tar/d.webp is not a supported image"),
      ] {
        let error = #expect(throws: DatasetError.self) { try source.image(index) }
        #expect(error?.description.hasPrefix(reason) == true, "\(String(describing: error))")
      }
    }
  }

  @Test func aFolderWithTheNameOfAnArchiveIsNotOne() throws {
    try TestImageFolder.with { folder in
      try folder.writeImage("x.tar/a.png", 5)
      #expect(try folder.open().summary == ["x.tar/a.png||5"])
    }
  }

  @Test func aTextComesBeforeARecordWhereverItStands() throws {
    let (text, record) = (Array("from the text".utf8), Array(#"{"text": "from the record"}"#.utf8))
    let image = try TestImageFolder.example(1)
    for members in [
      [("a.txt", text), ("a.json", record), ("a.png", image)], [("a.png", image), ("a.json", record), ("a.txt", text)],
    ] {
      try TestImageFolder.with { folder in
        try folder.write("a.tar", TarBytes.archive(members))
        #expect(try folder.open().summary == ["a.tar/a.png|from the text|1"])
      }
    }
  }

  @Test func severalImagesOfAKeyShareItsCaptions() throws {
    try TestImageFolder.with { folder in
      try folder.write(
        "a.tar",
        TarBytes.archive([
          ("a.png", try TestImageFolder.example(1)), ("a.txt", Array("a cat\n\na kitten\n".utf8)),
          ("a.jpg", try TestImageFolder.example(2)), ("b.txt", Array("alone".utf8)),
        ]))
      let source = try folder.open()
      #expect(try source.summary == ["a.tar/a.jpg|a cat/a kitten|2", "a.tar/a.png|a cat/a kitten|1"])
      #expect(source.leftOver == ["a.tar/b"])
    }
  }

  @Test func imagesBesideArchivesAreNotUsed() throws {
    try TestImageFolder.with { folder in
      try folder.write("a.tar", TarBytes.archive([("a.png", try TestImageFolder.example(1))]))
      try folder.writeImage("b.png", 2)
      let source = try folder.open()
      #expect(source.layout == .archives && source.count == 1 && source.leftOver == ["b.png"])
    }
  }
}
