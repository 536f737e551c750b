import Foundation
import Images
import TestSupport
import Testing

@Suite struct DataCommandTests {
  private func write(_ name: String, _ value: UInt8, side: Int = 40, to folder: URL) throws {
    let pixels = [UInt8](repeating: value, count: side * side)
    let image = Image(width: side, height: side, channels: .gray, pixels: pixels)
    try Foundation.Data(PNG.encode(image)).write(to: folder.appendingPathComponent(name))
  }

  private func write(_ name: String, _ text: String, to folder: URL) throws {
    try Foundation.Data(text.utf8).write(to: folder.appendingPathComponent(name))
  }

  private func makeFolder(_ name: String, in folder: URL) throws -> URL {
    let made = folder.appendingPathComponent(name)
    try FileManager.default.createDirectory(at: made, withIntermediateDirectories: true)
    return made
  }

  @Test func checkSaysWhenNothingIsWrong() throws {
    try Project.inTemporaryFolder { folder in
      let data = try makeFolder("d", in: folder)
      for index in 0..<3 {
        try write("\(index).png", UInt8(index), to: data)
        try write("\(index).txt", "a red apple", to: data)
      }
      let result = try Program.run(["data", "check", "d", "--size", "64", "-o", "sheet.png"], in: folder)
      #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
      #expect(
        result.output == """
          layout: images with text files

          shorter side in pixels
            under 64  ━━━━━━━━━━━━━━━━━━━━━━━━ 3

          tokens per caption: mean 5.0, maximum 5, limit 32
            under 9  ━━━━━━━━━━━━━━━━━━━━━━━━ 3

          3 images with 3 captions, no problems

          """)
      let sheet = try PNG.decode(Array(Foundation.Data(contentsOf: folder.appendingPathComponent("sheet.png"))))
      #expect(sheet.width == 3 * 132 + 4 && sheet.height == 136)
    }
  }

  @Test func checkNamesWhatIsWrongAtMostTenOfAKind() throws {
    try Project.inTemporaryFolder { folder in
      for index in 0..<14 { try write("\(10 + index).png", 7, to: folder) }
      try write("30.png", "no image", to: folder)
      try write("10.txt", String(repeating: "xylophone ", count: 20), to: folder)
      let result = try Program.run(["data", "check", ".", "--size", "80"], in: folder)
      #expect(result.code == 1)
      #expect(
        result.errors
          == "flux: .: 15 images with 1 caption, 0 without problems: 1 unreadable, 13 duplicates, "
          + "14 without a caption, 1 caption too long\n")
      let lines = result.output.split(separator: "\n").map(String.init)
      #expect(lines.contains("  30.png is not a supported image (JPEG, PNG, WebP): it begins with \"no ima\""))
      #expect(lines.contains("13 duplicates: same pixels as an earlier image"))
      #expect(
        lines.contains("  20.png: the same pixels as 10.png") && !lines.contains("  21.png: the same pixels as 10.png"))
      #expect(lines.contains("  and 3 more") && lines.contains("  and 4 more"))
    }
  }

  @Test func nearestNamesTheTrainingImageAndItsCaption() throws {
    try Project.inTemporaryFolder { folder in
      let data = try makeFolder("d", in: folder)
      try write("dark.png", 20, to: data)
      try write("light.png", 220, to: data)
      try write("light.txt", "a light square", to: data)
      try write("drawn.png", 210, side: 70, to: folder)
      let result = try Program.run(["data", "nearest", "d", "drawn.png"], in: folder)
      #expect(result.code == 0 && result.output == " 10.0  drawn.png  light.png  a light square\n", "\(result.errors)")
      let both = try Program.run(["data", "nearest", "d", "drawn.png", "--count", "2", "--json"], in: folder)
      #expect(both.output.contains("\"nearest\" : \"dark.png\"") && both.output.contains("\"distance\" : 190"))
      let none = try Program.run(["data", "nearest", "d", "missing.png"], in: folder)
      #expect(none.code == 1 && none.errors.contains("missing.png"), "\(none.errors)")
    }
  }

  @Test func trainSaysWhatCheckWouldSayOfNamesAndTexts() throws {
    try Project.inTemporaryFolder { folder in
      let data = try makeFolder("d", in: folder)
      for (index, name) in ["a", "b", "a_mask"].enumerated() { try write("\(name).png", UInt8(index), to: data) }
      try write("b.txt", "a cat", to: data)
      try write("c.gif", "x", to: data)
      let result = try Program.run(
        ["train", "--preset", "tiny", "--data", "d", "--steps", "20", "--dry-run", "--output", "run"], in: folder)
      #expect(result.code == 0, "\(result.errors)")
      for line in [
        "flux: d: 1 image without a caption: a.png\n", "flux: d: 1 ignored as masks: a_mask.png\n",
        "flux: d: 1 not used: c.gif\n",
      ] { #expect(result.errors.contains(line), "\(result.errors)") }
    }
  }

  @Test func checkNamesMasksAndColumns() throws {
    try Project.inTemporaryFolder { folder in
      for (index, name) in ["a", "a-masklabel"].enumerated() { try write("\(name).png", UInt8(index), to: folder) }
      try write("a.txt", "a cat", to: folder)
      let result = try Program.run(["data", "check", ".", "--size", "64"], in: folder)
      #expect(result.code == 0 && result.output.contains("\n1 mask ignored\n  a-masklabel.png\n"), "\(result.output)")
      try write("metadata.jsonl", "{\"file_name\": \"a.png\", \"label\": 3}", to: folder)
      let other = try Program.run(["data", "check", ".", "--size", "64"], in: folder)
      #expect(
        other.output.contains(
          "metadata.jsonl: no line has text, caption or prompt; there are \"file_name\", \"label\"\n"))
    }
  }

  @Test func checkSpeaksJSON() throws {
    try Project.inTemporaryFolder { folder in
      try write("a.png", 1, to: folder)
      let result = try Program.run(["data", "check", ".", "--json"], in: folder)
      #expect(result.code == 1)
      let object = try JSONSerialization.jsonObject(with: Foundation.Data(result.output.utf8))
      let report = try #require(object as? [String: Any])
      let survey = try #require(report["survey"] as? [String: Any])
      #expect(report["layout"] as? String == "textFiles" && survey["images"] as? Int == 1)
      let kinds = (survey["findings"] as? [[String: String]])?.compactMap { $0["kind"] }
      #expect(kinds == ["small", "uncaptioned"])
    }
  }

  @Test func checkOfAFolderWithoutImagesSaysWhatItLooksFor() throws {
    try Project.inTemporaryFolder { folder in
      let result = try Program.run(["data", "check", "."], in: folder)
      #expect(result.code == 1 && result.output.isEmpty)
      #expect(result.errors.contains("has no images: Flux looks for metadata.jsonl"))
    }
  }

  @Test func showDrawsAFolderAndPrintsItsCaptions() throws {
    try Project.inTemporaryFolder { folder in
      let data = try makeFolder("d", in: folder)
      try write("a.png", 1, to: data)
      try write("b.png", "no", to: data)
      try write("c.png", 3, to: data)
      try write("c.txt", "a cat", to: data)
      let result = try Program.run(["data", "show", "d", "-o", "sheet.png", "--size", "16"], in: folder)
      #expect(result.code == 0 && result.output == "a.png\t\nc.png\ta cat\n")
      #expect(result.errors.hasPrefix("flux: b.png is not a supported image"))
      let sheet = try PNG.decode(Array(Foundation.Data(contentsOf: folder.appendingPathComponent("sheet.png"))))
      #expect(sheet.width == 44 && sheet.height == 24)
    }
  }

  /// The next run would take the sheet for an image without a caption.
  @Test func aContactSheetIsNotWrittenAmongTheData() throws {
    try Project.inTemporaryFolder { folder in
      let data = try makeFolder("d", in: folder)
      try write("a.png", 1, to: data)
      _ = try makeFolder("d/deep", in: folder)
      try FileManager.default.createSymbolicLink(
        atPath: folder.appendingPathComponent("link").path, withDestinationPath: "d")
      for command in ["check", "show"] {
        for sheet in ["d/sheet.png", "d/deep/sheet.png", "link/sheet.png", "./d/deep/../sheet.png"] {
          let result = try Program.run(["data", command, "d", "-o", sheet], in: folder)
          #expect(
            result.code == 2 && result.errors.hasPrefix("flux: --output \(sheet) is inside d, "), "\(result.errors)")
        }
      }
      let names = try FileManager.default.contentsOfDirectory(atPath: data.path)
      #expect(names.sorted() == ["a.png", "deep"])
    }
  }

  @Test func showDrawsScenesWithoutAFolder() throws {
    try Project.inTemporaryFolder { folder in
      let result = try Program.run(["data", "show", "-o", "sheet.png", "--size", "16", "--count", "3"], in: folder)
      #expect(result.code == 0 && result.output.split(separator: "\n").count == 3)
    }
  }
}
