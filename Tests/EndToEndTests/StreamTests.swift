import Foundation
import TestSupport
import Testing

/// Standard input, output and error as shells leave them.
@Suite struct StreamTests {
  private func inModelFolder(_ body: (URL) throws -> Void) throws { try Program.inModelFolder(body) }

  private let draw = ["generate", "-m", "model", "--steps", "1"]

  @Test(arguments: ["2>&-", "2>/dev/full", "2> >(exit 0)"])
  func messagesThatCannotBeWrittenAreNoTrap(_ redirection: String) throws {
    try Project.inTemporaryFolder { folder in
      for (arguments, code) in [(["nonsense"], 2), (["generate"], 2), (["plot", "."], 1)] {
        let result = try Program.run(arguments, in: folder, shell: redirection)
        #expect(result.code == code && result.output.isEmpty)
      }
    }
  }

  /// The first file that is opened under a closed standard error would get its number, and then its messages.
  @Test func noFileReceivesMessages() throws {
    try inModelFolder { folder in
      let words = String(repeating: "apple ", count: 40)  // too long: a message
      let result = try Program.run(draw + [words, "-o", "a.png"], in: folder, shell: "0<&- 2>&-")
      #expect(result.code == 0 && result.output == "a.png\n")
      let file = try Data(contentsOf: folder.appendingPathComponent("a.png"))
      #expect(file.range(of: Data("flux:".utf8)) == nil && file.starts(with: [0x89, 0x50]))
    }
  }

  @Test(arguments: [
    ["tokens", "a"], ["tokens", "a", "--json"], ["--version"], ["help", "generate"], ["data", "check", ".", "--json"],
  ])
  func resultsThatCannotBeWrittenAreAnError(_ arguments: [String]) throws {
    try inModelFolder { folder in
      try Program.makeImage("a.png", in: folder)
      for (redirection, reason) in [(">/dev/full", "No space left on device"), (">&-", "it is closed")] {
        let result = try Program.run(arguments, in: folder, shell: redirection)
        #expect(result.code == 1)
        #expect(result.errors == "flux: cannot write standard output: \(reason)\n", "\(arguments)")
      }
    }
  }

  @Test func imagesComeThroughPipes() throws {
    try inModelFolder { folder in
      let pipe = "-o - | \"$FLUX\" inspect - | grep -c '^prompt  *a cat$'"
      let result = try Program.run(
        draw + ["a cat"], in: folder, shell: pipe, environment: ["FLUX": Program.executable.path])
      #expect(result.output == "1\n", "\(result.errors)")
      #expect(try Program.run(draw + ["a cat", "-o", "a.png"], in: folder).code == 0)
      let verified = try Program.run(["verify", "-"], in: folder, shell: "< a.png", environment: ["FLUX_MODELS": "."])
      #expect(
        verified.output == "-: pixels intact, model matches, drawn again: identical\n", "\(verified.errors)")
      let nothing = try Program.run(["inspect", "-"], in: folder)
      #expect(nothing.code == 1 && nothing.errors == "flux: standard input is no PNG, JPEG or WebP file\n")
      #expect(try Program.run(draw + ["a", "-o", "-", "--json"], in: folder).code == 2)
    }
  }

  @Test func everyNameIsThereAsSoonAsItsImageIs() throws {
    try inModelFolder { folder in
      let result = try Program.run(
        draw + ["a cat", "-b", "10000", "-o", "out/"], in: folder, whenThereIs: "out/00003-44.png")
      #expect(result.code == 130)
      #expect(result.output.hasPrefix("out/00001-42.png\nout/00002-43.png\n"))
      let files = try FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent("out").path)
      #expect(files.filter { $0.hasSuffix(".png") }.count == result.output.split(separator: "\n").count)
    }
  }

  @Test func aReaderThatGoesAwayEndsTheProgramSilently() throws {
    try inModelFolder { folder in
      let result = try Program.run(draw + ["a cat", "-b", "10000", "-o", "out/"], in: folder, shell: "> >(head -n 1)")
      #expect(result.code == -SIGPIPE && result.errors.isEmpty)
      let files = try FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent("out").path)
      #expect(files.allSatisfy { $0.hasSuffix(".png") })
    }
  }

  @Test(arguments: [
    "--prompt-file <(printf 'a cat\\na dog')", "--prompt-file /dev/stdin < lines.txt", "--prompt-file - < lines.txt",
    "--prompt-file lines.txt", "--prompt-file pipe & printf 'a cat\\na dog' > pipe; wait $!",
  ])
  func promptsComeFromEveryKindOfFile(_ shell: String) throws {
    try inModelFolder { folder in
      try Data("\u{FEFF}a cat\r\n\r\na dog\r\n".utf8).write(to: folder.appendingPathComponent("lines.txt"))
      // A job in the background instead of exec, where the shell has to fill the pipe.
      let before = shell.contains("&") ? "mkfifo pipe; function exec() { \"$@\"; }; " : ""
      let result = try Program.run(draw + ["-o", "out/"], in: folder, shell: shell, before: before)
      #expect(result.code == 0 && result.output == "out/1-42.png\nout/2-42.png\n", "\(result.errors)")
    }
  }

  @Test(arguments: [
    ("--prompt-file - <&-", "standard input: it is closed"), ("--prompt-file .", ".: it is a folder"),
    ("--prompt-file /dev/zero", "/dev/zero: it has more than 64 MiB"), ("--prompt-file no", "no: it does not exist"),
  ])
  func aPromptFileThatCannotBeReadIsNamed(_ shell: String, _ reason: String) throws {
    try inModelFolder { folder in
      let result = try Program.run(draw, in: folder, shell: shell)
      #expect(result.code == 1 && result.errors == "flux: cannot read the prompt file \(reason)\n")
    }
  }

  @Test func onlyLineEndsOfTextFilesEndAPrompt() throws {
    try inModelFolder { folder in
      let result = try Program.run(
        draw + ["--prompt-file", "-", "-o", "out/"], in: folder,
        input: "a\u{2028}cat\u{85}on\u{0B}a\u{0C}mat\ra dog\n")
      #expect(result.output == "out/1-42.png\nout/2-42.png\n", "\(result.errors)")
      for text in ["a\0 \0c\0", "\0a\0b"] {
        let wide = try Program.run(draw + ["--prompt-file", "-"], in: folder, input: text)
        #expect(wide.code == 1 && wide.errors.contains("is not UTF-8 text: it looks like UTF-16"))
      }
    }
  }

  // MARK: - Terminals

  @Test(arguments: [UInt16(30), 80]) func progressIsOneLineOfTheTerminalWithoutEscapes(_ columns: UInt16) throws {
    try inModelFolder { folder in
      let text = try Program.runOnTerminal(
        draw + ["a cat", "-b", "3", "--batch-size", "1", "-o", "out/", "-s", "4294967338", "--preview", "none"],
        in: folder,
        columns: columns,
        environment: ["TERM": "xterm"])
      #expect(!text.contains("\u{1b}") && text.contains(columns < 60 ? "image 2 of 3" : "seed 4294967338"))
      for line in text.split(whereSeparator: { $0 == "\r" || $0 == "\n" || $0 == "\r\n" }) {
        #expect(line.unicodeScalars.count < columns, "\(line)")
      }
    }
  }

  @Test func aTerminalThatCannotRewriteLinesGetsNoProgress() throws {
    try inModelFolder { folder in
      let text = try Program.runOnTerminal(
        draw + ["a cat", "-b", "3", "-o", "out/"], in: folder, columns: 80, environment: ["TERM": "dumb"])
      #expect(text.isEmpty)
    }
  }

  @Test func namesOfForeignFilesDoNotMoveTheCursor() throws {
    try inModelFolder { folder in
      let name = "a\u{1b}[2Jb.png"
      try Data("x".utf8).write(to: folder.appendingPathComponent(name))
      let checked = try Program.run(["data", "check", "."], in: folder)
      #expect(checked.output.contains("a\\x1b[2Jb.png") && !checked.output.contains("\u{1b}"))
      let drawn = try Program.run(["generate", "a", "-m", "no\u{1b}[31m\nmodel"], in: folder)
      #expect(drawn.errors.hasPrefix("flux: model \"no\\x1b[31m\\x0amodel\""))
    }
  }
}
