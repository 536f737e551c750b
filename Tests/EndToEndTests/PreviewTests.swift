import Foundation
import Images
import TestSupport
import Testing

@testable import FluxCommand

/// Images that are shown while they are drawn.
@Suite struct PreviewTests {
  private let draw = ["generate", "a cat", "-m", "model", "-o", "cat.png"]

  private func image(_ name: String, _ folder: URL) throws -> Image {
    try PNG.decode([UInt8](Data(contentsOf: folder.appendingPathComponent(name))))
  }

  private func bytes(_ name: String, _ folder: URL) throws -> Data {
    try Data(contentsOf: folder.appendingPathComponent(name))
  }

  private func names(_ folder: URL) throws -> Set<String> {
    Set(try FileManager.default.contentsOfDirectory(atPath: folder.path))
  }

  // MARK: - Modes

  @Test(arguments: [
    ("auto", ["TERM": "xterm"], TerminalGraphics.blocks), ("auto", ["TERM": "xterm", "NO_COLOR": ""], .blocks),
    ("auto", ["TERM": "xterm", "NO_COLOR": "1"], nil), ("auto", ["TERM": "dumb"], nil),
    ("auto", ["TERM": "xterm-kitty", "NO_COLOR": "1"], .kitty),
    ("blocks", ["TERM": "xterm", "NO_COLOR": "1"], .blocks),
    ("sixel", [:], .sixel), ("none", ["TERM": "xterm"], nil), ("a.png", ["TERM": "xterm"], nil),
  ]) func aModeChoosesGraphicsByTheEnvironment(
    _ mode: String, _ environment: [String: String], _ expected: TerminalGraphics?
  ) {
    #expect(PreviewMode(argument: mode).graphics(environment: environment) == expected)
  }

  @Test(arguments: [
    ([], [:], true), ([], ["NO_COLOR": "1"], false), ([], ["TERM": "dumb"], false), (["--json"], [:], false),
    (["--quiet"], [:], false), (["--preview", "none"], [:], false),
    (["--preview", "blocks", "--quiet", "--json"], ["NO_COLOR": "1"], true),
  ]) func imagesAreShownOnATerminalUnlessSomethingSpeaksAgainstIt(
    _ options: [String], _ environment: [String: String], _ isShown: Bool
  ) throws {
    try Program.inModelFolder { folder in
      let result = try Program.resultOnTerminal(
        draw + ["--steps", "1"] + options, in: folder, environment: Program.colorTerminal.merging(environment) { $1 })
      #expect(result.code == 0 && result.errors.contains("▀") == isShown, "\(result.errors)")
      #expect(try names(folder) == ["model", "cat.png"])
    }
  }

  @Test func nothingIsShownWithoutATerminal() throws {
    try Program.inModelFolder { folder in
      let options = ["--steps", "4", "--preview", "blocks", "--preview-every", "1"]
      let piped = try Program.run(draw + options, in: folder, environment: Program.colorTerminal)
      #expect(piped.code == 0 && piped.errors.isEmpty, "\(piped.errors)")
    }
  }

  @Test(arguments: [
    (["--preview", "gif"], "--preview gif is none of auto, kitty, iterm, sixel, blocks, none, and no file whose name"),
    (
      ["--preview", "a.gif"],
      "--preview a.gif is none of auto, kitty, iterm, sixel, blocks, none, and no file whose name"
    ),
    (
      ["--preview", "none", "--preview-every", "2"], "--preview none shows no unfinished images: remove --preview-every"
    ),
    (
      ["--preview", "none", "--preview-decoder", "taesd"],
      "--preview none shows no unfinished images: remove --preview-decoder"
    ),
    (["--preview-every", "0"], "--preview-every 0 must be at least 1"),
    (["--preview-every", "1001"], "--preview-every 1001 must be at most 1000"),
    (["--preview", "cat.png"], "--preview would overwrite the image cat.png: choose another name"),
    (["--preview", "g.png", "--grid", "./g.png"], "--preview and --grid are the same file g.png: choose another name"),
    (["--preview", "i.png", "-i", "i.png"], "the output would overwrite the input i.png: choose another name"),
    (["--show"], "--show needs a terminal, and standard error is none: write files with --output"),
  ]) func aWrongCallGetsOneSentence(_ options: [String], _ sentence: String) throws {
    try Program.inModelFolder { folder in
      try Data(PNG.encode(Image(width: 4, height: 4, channels: .gray, pixels: .init(repeating: 0, count: 16))))
        .write(to: folder.appendingPathComponent("i.png"))
      let result = try Program.run(draw + options, in: folder)
      #expect(result.code == 2 && result.errors.hasPrefix("flux: \(sentence)"), "\(result.errors)")
      #expect(result.errors.split(separator: "\n").count == 1 && !result.errors.contains("\\x0a"), "\(result.errors)")
      #expect(try names(folder) == ["model", "i.png"])
    }
  }

  // MARK: - In the terminal

  @Test func unfinishedImagesTakeThePlaceOfEachOtherEveryFewSteps() throws {
    try Program.inModelFolder { folder in
      let result = try Program.resultOnTerminal(
        draw + ["--steps", "10", "--preview-every", "3"], in: folder, environment: Program.kittyTerminal)
      let screen = try KittyScreen(result.errors)
      #expect(screen.drawn.count == 4 && Set(screen.drawn).count == 1, "after steps 3, 6 and 9, and the end")
      #expect(screen.images.values.first == (try image("cat.png", folder)) && screen.deleted.isEmpty)
      #expect(result.output == "cat.png\n")
    }
  }

  @Test func finishedImagesOfASeriesStay() throws {
    try Program.inModelFolder { folder in
      let result = try Program.resultOnTerminal(
        ["generate", "a cat", "-m", "model", "--steps", "4", "--preview-every", "2", "-b", "3", "-o", "out/"],
        in: folder,
        environment: Program.kittyTerminal)
      let screen = try KittyScreen(result.errors)
      let numbers = screen.images.keys.sorted()
      #expect(screen.drawn.count == 4 && numbers.count == 3, "one unfinished image of three that are drawn together")
      for (number, name) in zip(numbers, ["1-42", "2-43", "3-44"]) {
        #expect(screen.images[number] == (try image("out/\(name).png", folder)))
      }
    }
  }

  /// Waits until a process is in the middle of writing to standard error, since its terminal takes no more unread bytes.
  private func waitForWriting(_ process: pid_t) {
    for _ in 0..<2000 {  // 10 s
      let call = try? String(contentsOfFile: "/proc/\(process)/syscall", encoding: .utf8)
      if call?.hasPrefix("1 0x2 ") == true { return }  // write, 2
      Thread.sleep(forTimeInterval: 0.005)
    }
    Issue.record("the program never filled the terminal")
  }

  /// Stops the program after the terminal got the beginning of the first image; without progress it writes nothing else.
  private func stopped(in folder: URL, _ stop: @escaping (pid_t) -> Void) throws -> Program.Result {
    try Program.resultOnTerminal(
      [
        "generate", "a cat", "-m", "model", "--steps", "1000", "--preview-every", "1", "-o", "out/cat.png",
        "--save-state-every", "inf", "--preview", "kitty", "--quiet",
      ], in: folder, environment: Program.kittyTerminal,
      acting: ("\u{1b}_Ga=T", stop))
  }

  private func inFolderForOutput(_ body: (URL) throws -> Void) throws {
    try Program.inModelFolder { folder in
      try FileManager.default.createDirectory(
        at: folder.appendingPathComponent("out"), withIntermediateDirectories: true)
      try body(folder)
    }
  }

  /// The signal comes while an image is sent, and the notice after it.
  @Test func anInterruptedImageLeavesTheTerminal() throws {
    try inFolderForOutput { folder in
      let result = try stopped(in: folder) {
        waitForWriting($0)
        kill($0, SIGINT)
      }
      let screen = try KittyScreen(result.errors)
      #expect(result.code == 130 && screen.images.isEmpty && Set(screen.drawn) == Set(screen.deleted))
      #expect(result.errors.contains("stopping after this step"))
      #expect(result.errors.contains("this goes on: flux generate --resume out/cat.part.safetensors"))
    }
  }

  /// The second signal comes while the terminal does not read, so that an image is sent in part.
  @Test func anImageLeavesTheTerminalWhenTheSecondSignalEndsTheProgram() throws {
    try inFolderForOutput { folder in
      let result = try stopped(in: folder) {
        waitForWriting($0)
        for signal in [SIGINT, SIGTERM] { kill($0, signal) }
      }
      #expect([-SIGINT, -SIGTERM].contains(result.code), "\(result.code)")
      let screen = try KittyScreen(result.errors)
      #expect(screen.images.isEmpty && screen.deleted.count == 1)
      // Where the second signal comes late, the notice of the first one is there before.
      let texts = result.errors.replacing(/flux: stopping after this step; Ctrl-C again ends at once *\r*\n/, with: "")
      let end = texts.components(separatedBy: "\u{1b}[0m\u{1b}[18B\r\r\n").last ?? ""
      #expect(end.hasPrefix("\u{1b}_Ga=d,d=I,i=") && end.hasSuffix("q=2\u{1b}\\"), "\(result.errors.suffix(200))")
    }
  }

  @Test func anImageWhoseDrawingFailsLeavesTheTerminal() throws {
    try inFolderForOutput { folder in
      let result = try stopped(in: folder) {
        try? FileManager.default.removeItem(at: folder.appendingPathComponent("out"))
        kill($0, SIGINT)
      }
      let screen = try KittyScreen(result.errors)
      #expect(result.code == 1 && result.errors.contains("flux: cannot create "), "\(result.errors.suffix(200))")
      #expect(screen.images.isEmpty && !screen.deleted.isEmpty)
    }
  }

  // MARK: - In a file

  @Test(arguments: ["png", "jpg", "webp"]) func aFileHoldsTheFinishedImageInTheEnd(_ ending: String) throws {
    try Program.inModelFolder { folder in
      let result = try Program.run(
        [
          "generate", "a cat", "-m", "model", "--steps", "4", "-b", "2", "--preview", "now.\(ending)",
          "--preview-every",
          "1", "-o", "cat.\(ending)",
        ], in: folder)
      #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
      #expect(try bytes("now.\(ending)", folder) == bytes("cat-2.\(ending)", folder))
      #expect(try names(folder).count == 4)
    }
  }

  @Test func aFileHoldsTheUnfinishedImageUntilThen() throws {
    try Program.inModelFolder { folder in
      let call = draw + ["--steps", "500", "--no-overwrite", "--preview", "now.png", "--preview-every", "1"]
      let result = try Program.run(call, in: folder, whenThereIs: "now.png")
      guard result.code == 130 else { return }  // the machine was so busy that the signal came too late
      let unfinished = try image("now.png", folder)
      #expect(try names(folder) == ["model", "now.png", "cat.part.safetensors"])
      let rest = try Program.run(["generate", "--resume", "cat.part.safetensors"], in: folder)
      #expect(rest.code == 0, "\(rest.errors)")
      #expect(try bytes("now.png", folder) == bytes("cat.png", folder))
      #expect(try image("cat.png", folder) != unfinished)
    }
  }

  @Test func aFileThatCannotBeWrittenStopsNoDrawing() throws {
    try Program.inModelFolder { folder in
      let full = "/dev/full"
      try FileManager.default.createSymbolicLink(
        atPath: folder.appendingPathComponent("now.png").path, withDestinationPath: full)
      let result = try Program.run(
        draw + ["--steps", "4", "--preview", "now.png", "--preview-every", "1"], in: folder)
      #expect(result.code == 0 && result.output == "cat.png\n")
      #expect(result.errors.hasPrefix("flux: cannot write ") && result.errors.contains("No space left on device"))
      #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
    }
  }
}
