import Foundation
import Images
import TestSupport
import Testing

@Suite struct DrawTests {
  private func draw(_ lines: [String], _ arguments: [String] = [], in folder: URL) throws -> Program.Result {
    try Program.run(
      ["draw", "-m", "model"] + arguments, in: folder, input: lines.map { $0 + "\n" }.joined(),
      environment: ["XDG_STATE_HOME": folder.appendingPathComponent("state").path])
  }

  private func image(_ name: String, _ folder: URL) throws -> Image {
    try PNG.decode([UInt8](Data(contentsOf: folder.appendingPathComponent(name))))
  }

  @Test func linesOfAPipeAreDrawnAsGenerateDrawsThem() throws {
    try Program.inModelFolder { folder in
      let result = try draw(["a cat", "", "/steps 2", "/again 42"], in: folder)
      #expect(result.code == 0, "\(result.errors)")
      #expect(
        result.output == "drawings/0001-42.png\ndrawings/0002-43.png\ndrawings/0003-42.png\n", "\(result.errors)")
      let alone = try Program.run(["generate", "a cat", "-m", "model", "-s", "43", "-o", "a.png"], in: folder)
      #expect(alone.code == 0)
      #expect(try image("drawings/0002-43.png", folder) == image("a.png", folder))
      #expect(try image("drawings/0001-42.png", folder) != image("drawings/0003-42.png", folder))
      #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("state").path))
    }
  }

  @Test func numbersGoOnInAFolderWithImages() throws {
    try Program.inModelFolder { folder in
      _ = try draw(["/steps 1", "a cat"], ["-o", "out"], in: folder)
      #expect(
        try draw(["/steps 1", "/b 2", "a cat"], ["-o", "out"], in: folder).output
          == "out/0002-42.png\nout/0003-43.png\n")
    }
  }

  @Test func theLastImageCanBeDrawnFromAndSaved() throws {
    try Program.inModelFolder { folder in
      let result = try draw(
        ["/steps 2", "A red, red cat!", "/i last", "/strength 0.5", "a dog", "/save", "/save b.jpg", "/save b.jpg"],
        in: folder)
      #expect(result.code == 1)
      #expect(result.output == "drawings/0001-42.png\ndrawings/0002-42.png\na-dog-42.png\nb.jpg\n")
      #expect(result.errors.contains("flux: b.jpg exists already: choose another name\n"))
      let inspected = try Program.run(["inspect", "a-dog-42.png"], in: folder)
      #expect(inspected.output.contains("strength        0.5"), "\(inspected.output)")
    }
  }

  @Test func undoTakesTheLastChangeBack() throws {
    try Program.inModelFolder { folder in
      let result = try draw(["/cfg 2", "/b 3", "/b 3", "/undo", "/undo", "/undo"], in: folder)
      let shown = result.errors.split(separator: "\n").filter { $0.hasPrefix("images") || $0.hasPrefix("guidance") }
      #expect(
        shown == ["images: 1", "guidance scale: 2.0", "images: 1", "guidance scale: the model's"], "\(result.errors)")
      #expect(result.errors.hasSuffix("flux: there is no change to take back\n"))
    }
  }

  @Test(arguments: [
    ("/foo", "there is no command /foo"), ("/steps x", "/steps x: give a number from 1 to 1000"),
    ("/steps 0", "give a number from 1 to 1000"), ("/cfg nan", "give a number from 0.0 to 100.0"),
    ("/size 0x5", "give a size such as 512"), ("/size 7", "height 7: this model generates multiples of"),
    ("/again", "there is no prompt yet"), ("/i", "give a file, last or none"),
    ("/i last", "there is no last image"), ("/i gone.png", "gone.png"), ("/fast maybe", "give on or off"),
    ("/fast on", "no few-step student"), ("/model gone", "model \"gone\" not found"), ("/sampler x", "x"),
    ("/save", "no image to save"),
    ("/help me", "takes nothing"), ("/", "there is no command /"),
  ]) func aLineThatFailsIsExplainedAndTheNextOneIsDrawn(_ line: String, _ message: String) throws {
    try Program.inModelFolder { folder in
      let result = try draw([line, "/steps 1", "a cat"], in: folder)
      #expect(result.code == 1 && result.output == "drawings/0001-42.png\n")
      let first = result.errors.split(separator: "\n").first ?? ""
      #expect(first.hasPrefix("flux: ") && first.contains(message), "\(result.errors)")
    }
  }

  @Test func twoSlashesBeginAPromptWithASlash() throws {
    try Program.inModelFolder { folder in
      let result = try draw(["/steps 1", "//r a cat", "/quit", "never drawn"], in: folder)
      #expect(result.code == 0 && result.output == "drawings/0001-42.png\n")
      #expect(try Program.run(["inspect", "drawings"], in: folder).code != 0)
      #expect(try Program.run(["inspect", "drawings/0001-42.png"], in: folder).output.contains("/r a cat"))
    }
  }

  @Test func aFileShowsTheLastImage() throws {
    try Program.inModelFolder { folder in
      let result = try draw(["/steps 1", "a cat", "a dog"], ["--preview", "now.png"], in: folder)
      #expect(result.code == 0, "\(result.errors)")
      #expect(try image("now.png", folder) == image("drawings/0002-42.png", folder))
      #expect(
        try draw([], ["--preview", "now.gif"], in: folder).errors.hasPrefix("flux: --preview now.gif is none of"))
    }
  }

  @Test func aTerminalHasEditingCompletionHistoryAndImages() throws {
    try Program.inModelFolder { folder in
      let shown = try Program.runOnTerminal(
        ["draw", "-m", "model"], in: folder, columns: 60,
        environment: Program.colorTerminal.merging([
          "XDG_STATE_HOME": folder.appendingPathComponent("state").path, "LC_ALL": "C.UTF-8",
        ]) { $1 },
        typing: [
          (["flux> "], "not this\u{3}/stre\t 0.5\r"), (["\n", "flux> "], "/steps 1\r"),
          (["\n", "flux> "], "a café cat\r"), (["drawings/0001-42.png", "flux> "], "\u{4}"),
        ])
      #expect(shown.contains("▀") && shown.contains("\u{1b}[48;2;"))
      #expect(shown.contains("drawings/0001-42.png"))
      let history = try String(contentsOf: folder.appendingPathComponent("state/flux/history"), encoding: .utf8)
      #expect(history.contains("/strength") && history.contains("café") && !history.contains("not"), "\(history)")
      let drawn = try Program.run(["inspect", "drawings/0001-42.png"], in: folder)
      #expect(drawn.output.contains("a café cat"))
    }
  }
}
