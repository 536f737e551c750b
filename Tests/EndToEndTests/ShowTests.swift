import Foundation
import Images
import TestSupport
import Testing

/// `--show`: finished images in the terminal.
@Suite struct ShowTests {
  private func show(
    _ options: [String], in folder: URL, _ environment: [String: String] = Program.kittyTerminal
  ) throws -> Program.Result {
    try Program.resultOnTerminal(
      ["generate", "a cat", "-m", "model", "--steps", "2", "--show"] + options, in: folder, environment: environment)
  }

  private func image(_ name: String, _ folder: URL) throws -> Image {
    try PNG.decode([UInt8](Data(contentsOf: folder.appendingPathComponent(name))))
  }

  private func names(_ folder: URL) throws -> Set<String> {
    Set(try FileManager.default.contentsOfDirectory(atPath: folder.path))
  }

  @Test(arguments: [[], ["--preview", "none"]]) func anImageIsShownAndNotWritten(_ options: [String]) throws {
    try Program.inModelFolder { folder in
      let result = try show(options, in: folder)
      #expect(result.code == 0 && result.output.isEmpty, "\(result.errors)")
      #expect(try names(folder) == ["model"])
      let screen = try KittyScreen(result.errors)
      #expect(screen.drawn.count == 1 && screen.deleted.isEmpty)
      let written = try show(options + ["-o", "cat.png"], in: folder)
      #expect(written.output == "cat.png\n")
      #expect(try KittyScreen(written.errors).images.values.first == (try image("cat.png", folder)))
      #expect(try image("cat.png", folder) == screen.images.values.first)
    }
  }

  @Test func severalImagesAreShownWithTheirSeeds() throws {
    try Program.inModelFolder { folder in
      let result = try show(["-b", "3", "--preview", "none"], in: folder)
      #expect(try KittyScreen(result.errors).images.count == 3 && names(folder) == ["model"])
      let parts = result.errors.components(separatedBy: "\u{1b}_Ga=T").dropFirst()
      #expect(zip(parts, 42...44).allSatisfy { $0.contains("\rseed \($1)\r\n") }, "\(result.errors)")
      let lines = try show(["-b", "2", "--json"], in: folder).output.split(separator: "\n")
      #expect(lines.count == 2 && lines[1].contains(#""seed":43"#) && !lines[1].contains(#""file""#), "\(lines)")
    }
  }

  @Test func ofAContactSheetOnlyTheSheetIsShown() throws {
    try Program.inModelFolder { folder in
      let result = try show(["--seeds", "1-2", "--grid", "all.png", "--preview", "none"], in: folder)
      #expect(result.code == 0 && result.output == "all.png\n", "\(result.errors)")
      #expect(try names(folder) == ["model", "all.png"])
      #expect(try Array(KittyScreen(result.errors).images.values) == [image("all.png", folder)])
    }
  }

  @Test func noColorDoesNotStandAgainstIt() throws {
    try Program.inModelFolder { folder in
      let result = try show([], in: folder, Program.colorTerminal.merging(["NO_COLOR": "1"]) { $1 })
      #expect(result.code == 0 && result.errors.components(separatedBy: "\u{1b}[0m").count > 10)
    }
  }

  @Test func aTerminalWithoutImagesIsRefused() throws {
    try Program.inModelFolder { folder in
      let dumb = Program.colorTerminal.merging(["TERM": "dumb"]) { $1 }
      let result = try show([], in: folder, dumb)
      #expect(result.code == 2 && result.errors.hasPrefix("flux: --show: the terminal shows no images (TERM is dumb)"))
      #expect(try show(["--preview", "iterm"], in: folder, dumb).errors.contains("\u{1b}]1337;File=inline=1"))
      #expect(try names(folder) == ["model"])
    }
  }

  @Test func optionsOfFilesNeedAFile() throws {
    try Program.inModelFolder { folder in
      let result = try show(["--format", "jpg", "--no-overwrite"], in: folder)
      let sentence = "--show without --output writes no image: remove --format, --no-overwrite, or give --output"
      #expect(result.code == 2 && result.errors.contains(sentence), "\(result.errors)")
    }
  }

  /// What is stopped while it is only to be shown can go on, in a terminal or into the file of another call.
  @Test func anImageThatIsOnlyShownGoesOn() throws {
    try Program.inModelFolder { folder in
      let stopped = try Program.resultOnTerminal(
        ["generate", "a cat", "-m", "model", "--steps", "1000", "--show", "--preview-every", "1"], in: folder,
        environment: Program.kittyTerminal, acting: ("\u{1b}_Ga=T", { kill($0, SIGINT) }))
      #expect(stopped.code == 130, "\(stopped.errors)")
      #expect(try names(folder) == ["model", "flux-42.part.safetensors"])
      let resume = ["generate", "--resume", "flux-42.part.safetensors", "--preview", "none"]
      let piped = try Program.run(resume, in: folder)
      #expect(piped.code == 2 && piped.errors.contains("--show needs a terminal"), "\(piped.errors)")
      let rest = try Program.resultOnTerminal(resume, in: folder, environment: Program.kittyTerminal)
      #expect(try rest.code == 0 && KittyScreen(rest.errors).images.count == 1 && names(folder) == ["model"])
    }
  }

  @Test func variationsAreShown() throws {
    try Program.inModelFolder { folder in
      #expect(
        try Program.run(["generate", "a cat", "-m", "model", "--steps", "2", "-o", "cat.png"], in: folder).code == 0)
      let shown = try Program.resultOnTerminal(
        ["variations", "cat.png", "-m", "model", "-b", "2", "--show", "--preview", "none"], in: folder,
        environment: Program.kittyTerminal)
      #expect(shown.code == 0 && shown.output.isEmpty, "\(shown.errors)")
      #expect(try KittyScreen(shown.errors).images.count == 2 && names(folder) == ["model", "cat.png"])
    }
  }
}
