import Foundation
import Images
import TestSupport
import Testing

@Suite struct OtherImagesTests {
  private struct List: Codable {
    struct Entry: Codable {
      var image: String
      var prompt: String
      var seed: UInt64
    }
    var world: String
    var scenesVersion: Int
    var seed: UInt64
    var seeds: Int
    var quick: Bool
    var images: [Entry]
  }

  private func writePrompts(in folder: URL) throws -> List {
    let result = try Program.run(
      ["evaluate", "--write-prompts", "prompts.json", "--quick", "--seeds", "1"], in: folder)
    #expect(result.code == 0, "\(result.errors)")
    let list = try JSONDecoder().decode(
      List.self, from: Data(contentsOf: folder.appendingPathComponent("prompts.json")))
    #expect(result.output == "prompts.json: \(list.images.count) images to draw, 00001.png and so on, for --images\n")
    return list
  }

  private func judge(in folder: URL, _ further: [String] = []) throws -> Program.Result {
    try Program.run(["evaluate", "--images", "drawn", "--prompts", "prompts.json"] + further, in: folder)
  }

  /// The images of another program are plain blue.
  @Test func imagesOfAnotherProgramAreJudgedOnTheSamePrompts() throws {
    try Project.inTemporaryFolder { folder in
      let list = try writePrompts(in: folder)
      #expect(Set(list.images.map(\.image)).count == list.images.count && list.world == "small")
      let drawn = folder.appendingPathComponent("drawn")
      try FileManager.default.createDirectory(at: drawn, withIntermediateDirectories: true)
      let pixels = Array([[UInt8]](repeating: [40, 90, 220], count: 128 * 128).joined())
      let blue = Data(try PNG.encode(Image(width: 128, height: 128, channels: .rgb, pixels: pixels)))
      for (number, entry) in list.images.enumerated() {
        // Names may have any of the endings.
        try blue.write(to: drawn.appendingPathComponent(entry.image + (number == 1 ? ".jpeg" : ".png")))
      }
      let result = try judge(in: folder, ["--json"])
      #expect(result.code == 0, "\(result.errors)")
      struct Report: Decodable {
        struct Judged: Decodable {
          let prompt: String
          let seed: UInt64
          let isRight: Bool
        }
        struct Settings: Decodable { let model: String? }
        let images: [Judged]
        let settings: Settings
      }
      let report = try JSONDecoder().decode(Report.self, from: Data(result.output.utf8))
      #expect(report.images.map(\.prompt) == list.images.map(\.prompt))
      #expect(report.images.map(\.seed) == list.images.map(\.seed))
      #expect(report.images.allSatisfy { !$0.isRight }, "there is nothing on them")
      #expect(report.settings.model == "drawn")
    }
  }

  @Test func whatIsMissingOrOfAnotherVersionIsNamed() throws {
    try Project.inTemporaryFolder { folder in
      var list = try writePrompts(in: folder)
      try FileManager.default.createDirectory(
        at: folder.appendingPathComponent("drawn"), withIntermediateDirectories: true)
      let missing = try judge(in: folder)
      #expect(missing.code == 1)
      #expect(
        missing.errors
          == "flux: \(list.images.count) of \(list.images.count) images are missing in drawn, the first is "
          + "00001.png, .jpg or .webp: \"\(list.images[0].prompt)\"\n")

      for entry in list.images {
        try Data("no image".utf8).write(to: folder.appendingPathComponent("drawn/\(entry.image).png"))
      }
      #expect(try judge(in: folder).errors.contains("drawn/00001.png is not a supported image"))
      list.images[2].prompt = "a mountain"
      try JSONEncoder().encode(list).write(to: folder.appendingPathComponent("prompts.json"))
      #expect(
        try judge(in: folder).errors.contains(
          "prompts.json does not have the prompts of this version of Flux: image 3 is \"a mountain\", expected \""))
      try Data("{}".utf8).write(to: folder.appendingPathComponent("prompts.json"))
      #expect(
        try judge(in: folder).errors == "flux: prompts.json is not a list of prompts that --write-prompts wrote\n")
    }
  }

  @Test(arguments: [
    (["--images", "drawn"], "--images and --prompts need each other: the prompts say what the images should show"),
    (
      ["--images", "drawn", "--prompts", "p.json", "--steps", "3", "-m", "mini"],
      "--images has no use for --model, --steps: remove it"
    ),
    (["--write-prompts", "p.json", "--fast"], "--write-prompts has no use for --fast: remove it"),
  ])
  func optionsOfModelsAreRefused(_ arguments: [String], _ text: String) throws {
    try Project.inTemporaryFolder { folder in
      let result = try Program.run(["evaluate"] + arguments, in: folder)
      #expect(result.code == 2 && result.errors == "flux: \(text)\n", "\(result.errors)")
    }
  }
}
