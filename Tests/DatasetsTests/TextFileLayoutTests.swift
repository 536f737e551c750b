import Datasets
import Foundation
import TestSupport
import Testing

@Suite struct TextFileLayoutTests {
  @Test func ofSeveralTextsTheFirstOfTheOrderCounts() throws {
    try TestImageFolder.with { folder in
      try folder.writeImage("a.png", 1)
      for ending in ["CAPTION", "caption", "TXT", "txt"] {
        try folder.write("a.\(ending)", "from .\(ending)")
        #expect(try folder.open().captions(0) == ["from .\(ending)"], "it comes before those that are there")
      }
      #expect(try folder.open().leftOver == ["a.CAPTION", "a.TXT", "a.caption"])
    }
  }

  @Test func anEmptyTextIsNoCaption() throws {
    try TestImageFolder.with { folder in
      for (index, text) in ["", "\n\n", " \t\r\n ", "\u{FEFF}"].enumerated() {
        try folder.writeImage("\(index).png", 1)
        try folder.write("\(index).txt", text)
      }
      let source = try folder.open()
      #expect((0..<4).allSatisfy { source.captions($0).isEmpty })
      #expect(source.warnings == ["4 images without a caption: 0.png, 1.png, 2.png and 1 more"])
    }
  }

  @Test func aFolderWithTheNameOfATextIsNoText() throws {
    try TestImageFolder.with { folder in
      try folder.writeImage("a.png", 1)
      try folder.writeImage("a.txt/b.png", 2)
      #expect(try folder.open().summary == ["a.png||1", "a.txt/b.png||2"])
    }
  }

  @Test func imagesOfOneStemShareTheirText() throws {
    try TestImageFolder.with { folder in
      try folder.writeImage("a.png", 1)
      try folder.writeImage("a.jpg", 2)
      try folder.writeImage("x/a.png", 3)
      try folder.write("a.txt", "both")
      #expect(try folder.open().summary == ["a.jpg|both|2", "a.png|both|1", "x/a.png||3"])
    }
  }

  @Test func aLinkToNowhereIsAnErrorOfItsImage() throws {
    try TestImageFolder.with { folder in
      try folder.writeImage("a.png", 1)
      let link = folder.url.appendingPathComponent("b.png").path
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "gone.png")
      let source = try folder.open()
      #expect(source.count == 2)
      let error = #expect(throws: DatasetError.self) { try source.image(1) }
      #expect(error?.description.hasSuffix("b.png: No such file or directory") == true)
      let found = try ReadableImages(source).example(1, size: 2)
      #expect(found.index == 0)
    }
  }

  @Test func theFormatIsThatOfTheBytesAndNotOfTheName() throws {
    try TestImageFolder.with { folder in
      try folder.write("a.jpg", try TestImageFolder.example(7))
      try folder.write("b.png", "GIF89a")
      let source = try folder.open()
      #expect(try source.image(0).pixels[0] == 7)
      let error = #expect(throws: DatasetError.self) { try source.image(1) }
      #expect(
        error?.description == "b.png is not a supported image (JPEG, PNG, WebP): it begins with \"GIF89a\"")
    }
  }
}
