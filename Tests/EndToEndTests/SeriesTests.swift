import Foundation
import Images
import TestSupport
import Testing

@Suite struct SeriesTests {
  private func draw(_ arguments: [String], in folder: URL) throws -> Program.Result {
    try Program.run(["generate", "-m", "model", "--steps", "2"] + arguments, in: folder)
  }

  private func text(_ name: String, _ folder: URL) throws -> String {
    let bytes = [UInt8](try Data(contentsOf: folder.appendingPathComponent(name)))
    return try #require(PNGText.read(bytes).first).text
  }

  private func pixels(_ name: String, _ folder: URL) throws -> Image {
    try PNG.decode([UInt8](Data(contentsOf: folder.appendingPathComponent(name))))
  }

  private func size(_ name: String, _ folder: URL) throws -> [Int] {
    let image = try pixels(name, folder)
    return [image.width, image.height]
  }

  @Test func everySeedOfAListIsOneImage() throws {
    try Program.inModelFolder { folder in
      let result = try draw(["a cat", "--seeds", "3,7-9", "-o", "out/", "--grid", "g.png"], in: folder)
      #expect(result.output == "out/1-3.png\nout/2-7.png\nout/3-8.png\nout/4-9.png\ng.png\n", "\(result.errors)")
      _ = try draw(["a cat", "-s", "8", "-o", "one.png"], in: folder)
      #expect(try pixels("out/3-8.png", folder) == pixels("one.png", folder))
      // Four columns with one line of labels.
      #expect(try size("g.png", folder) == [4 + 4 * 68, 4 + 9 + 68])
    }
  }

  /// Images of a batch that is not complete are drawn with their neighbors again, and so are the same to the bit.
  @Test func existingImagesAreSkippedAndTheOthersAreThoseOfTheWholeSeries() throws {
    try Program.inModelFolder { folder in
      try Data("a cat\na dog\na boat\na red kite on a hill\na fish\n".utf8)
        .write(to: folder.appendingPathComponent("prompts.txt"))
      let arguments = ["--prompt-file", "prompts.txt", "-o", "out/", "--grid", "g.png", "--batch-size", "2"]
      #expect(try draw(arguments, in: folder).code == 0)
      let names = (1...5).map { "out/\($0)-42.png" }
      let whole = try (names + ["g.png"]).map { try Data(contentsOf: folder.appendingPathComponent($0)) }
      for name in [names[1], names[4], "g.png"] {
        try FileManager.default.removeItem(at: folder.appendingPathComponent(name))
      }
      try Data("mine".utf8).write(to: folder.appendingPathComponent("out/mine.png"))
      let result = try draw(arguments + ["--skip-existing"], in: folder)
      #expect(result.output == "out/2-42.png\nout/5-42.png\ng.png\n", "\(result.errors)")
      #expect(result.errors == "3 of 5 images exist already\n")
      #expect(try (names + ["g.png"]).map { try Data(contentsOf: folder.appendingPathComponent($0)) } == whole)
      #expect(try draw(arguments + ["--skip-existing", "--no-overwrite"], in: folder).code == 2)
    }
  }

  @Test func columnsVaryFirstAndEveryImageSaysItsSettings() throws {
    try Program.inModelFolder { folder in
      let result = try draw(
        [
          "a cat", "--grid-x", "steps=1,2,3", "--grid-y", "sampler=euler,DPM++ 2M Karras", "--grid", "g.png", "-o",
          "out/",
        ], in: folder)
      #expect(result.code == 0, "\(result.errors)")
      #expect(try text("out/2-42.png", folder).contains("Steps: 2, Sampler: Euler,"))
      #expect(try text("out/6-42.png", folder).contains("Steps: 3, Sampler: DPM++ 2M, Schedule type: Karras,"))
      let grid = try size("g.png", folder)
      #expect(grid[0] > 3 * 68 && grid[1] > 2 * 68)
    }
  }

  @Test func wordsOfThePromptAreReplaced() throws {
    try Program.inModelFolder { folder in
      let result = try draw(["a red cat", "--grid-x", "replace=red,blue", "-o", "out/"], in: folder)
      #expect(result.code == 0, "\(result.errors)")
      #expect(try text("out/1-42.png", folder).hasPrefix("a red cat\n"))
      #expect(try text("out/2-42.png", folder).hasPrefix("a blue cat\n"))
    }
  }

  @Test func aPromptMatrixHasEveryCombination() throws {
    try Program.inModelFolder { folder in
      let result = try draw(["a cat|in snow | at night", "--prompt-matrix", "-o", "out/"], in: folder)
      #expect(result.code == 0, "\(result.errors)")
      let prompts = try (1...4).map { try text("out/\($0)-42.png", folder).split(separator: "\n")[0] }
      #expect(prompts == ["a cat", "a cat, in snow", "a cat, at night", "a cat, in snow, at night"])
    }
  }

  @Test(arguments: [
    (["--seeds", "9-1"], "--seeds 9-1: the range 9-1 ends before it begins"),
    (["--seeds", "1,x"], "--seeds 1,x: \"x\" is neither a seed nor a range of seeds"),
    (["--grid-x", "steps"], "\"steps\" is no setting of a grid with its values"),
    (["--seeds", "1-2", "-b", "2"], "remove --batch-count"),
    (["--seeds", "1", "-s", "2"], "--seeds and --seed exclude each other"),
    (["--grid-x", "steps=1,x"], "steps \"x\" of a grid is not a number of steps"),
    (["--grid-x", "steps=1,5000"], "5000 steps: this schedule takes 1 to 1000"),
    (["--grid-x", "color=1"], "a grid has no setting \"color\"; there are seed, steps"),
    (["--grid-x", "replace=dog,fox"], "the prompt has no \"dog\""),
    (["--grid-x", "steps=1", "--grid-y", "steps=2"], "choose two settings"),
    (["--grid-y", "sampler=eulr"], "did you mean \"euler\"?"),
  ])
  func whatIsAskedWronglyEndsWith2(_ arguments: [String], _ sentence: String) throws {
    try Program.inModelFolder { folder in
      let result = try draw(["a cat", "-o", "out/"] + arguments, in: folder)
      #expect(result.code == 2)
      #expect(result.errors.contains(sentence), "\(result.errors)")
      #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("out").path))
    }
  }
}
