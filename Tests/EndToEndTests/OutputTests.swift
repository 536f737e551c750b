import Foundation
import Images
import TestSupport
import Testing

/// Where images go, and what is looked at before anything is drawn.
@Suite struct OutputTests {
  private let draw = ["generate", "a cat", "-m", "model", "--steps", "1"]

  private func inModelFolder(_ body: (URL) throws -> Void) throws { try Program.inModelFolder(body) }

  private func names(_ folder: URL) throws -> Set<String> {
    Set(try FileManager.default.contentsOfDirectory(atPath: folder.path))
  }

  private func bytes(_ name: String, _ folder: URL) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: folder.appendingPathComponent(name)))
  }

  @Test(arguments: [("a.jpg", ImageFile.jpeg), ("a.JPEG", .jpeg), ("a.webp", .webp), ("a.png", .png)])
  func theEndingOfTheNameIsTheFormat(_ name: String, _ format: ImageFile) throws {
    try inModelFolder { folder in
      let result = try Program.run(draw + ["-o", name], in: folder)
      #expect(result.code == 0 && result.output == "\(name)\n", "\(result.errors)")
      let file = try bytes(name, folder)
      #expect(ImageFile(file) == format)
      #expect(try ImageFile.decode(file, file: name).width == 64)
      if format != .png {
        let text = "Steps: 1, Sampler: DPM++ 2M".utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xff)] }
        #expect(Data(file).range(of: Data(text)) != nil)
      }
    }
  }

  @Test func aFolderHoldsTheFormatThatIsAskedFor() throws {
    try inModelFolder { folder in
      let result = try Program.run(draw + ["-b", "2", "-o", "out/", "--format", "webp", "--quality", "50"], in: folder)
      #expect(result.output == "out/1-42.webp\nout/2-43.webp\n", "\(result.errors)")
      #expect(ImageFile(try bytes("out/2-43.webp", folder)) == .webp)
    }
  }

  @Test func standardOutputHoldsTheImageAndNothingElse() throws {
    try inModelFolder { folder in
      let piped = try Program.run(draw + ["-o", "-"], in: folder)
      #expect(piped.code == 0 && PNGText.read(piped.bytes).count == 2)
      #expect(try PNG.decode(piped.bytes).width == 64)
      let jpeg = try Program.run(draw + ["-o", "-", "--format", "jpg", "--grid", "g.png"], in: folder)
      #expect(ImageFile(jpeg.bytes) == .jpeg && jpeg.bytes.suffix(2) == [0xff, 0xd9])
      #expect(try Program.run(draw + ["-o", "-"], in: folder, shell: "> /dev/full").code == 1)
      #expect(try names(folder) == ["model", "g.png"])
    }
  }

  @Test func aPipeALinkAndPermissionsStayWhatTheyAre() throws {
    try inModelFolder { folder in
      let piped = try Program.run(
        draw + ["-o", "pipe.png"], in: folder, shell: "> names & cat pipe.png",
        before: "mkfifo pipe.png; function exec() { \"$@\"; }; "
      )
      #expect(try PNG.decode(piped.bytes).width == 64, "\(piped.errors)")
      try Data([1]).write(to: folder.appendingPathComponent("old.png"))
      #expect(chmod(folder.appendingPathComponent("old.png").path, 0o600) == 0)
      try FileManager.default.createSymbolicLink(
        atPath: folder.appendingPathComponent("link.png").path, withDestinationPath: "old.png")
      #expect(try Program.run(draw + ["-o", "link.png"], in: folder).output == "link.png\n")
      #expect(try PNG.decode(bytes("old.png", folder)).width == 64)
      let facts = try FileManager.default.attributesOfItem(atPath: folder.appendingPathComponent("old.png").path)
      #expect(facts[.posixPermissions] as? Int == 0o600)
    }
  }

  @Test func theLongestNamesAreWritten() throws {
    try inModelFolder { folder in
      for length in [239, 251] {
        let name = String(repeating: "a", count: length) + ".png"
        let result = try Program.run(draw + ["-o", name], in: folder)
        #expect(result.output == name + "\n", "\(result.errors)")
      }
    }
  }

  @Test func aTildeIsTheHomeFolderHoweverItArrives() throws {
    try inModelFolder { folder in
      let home = folder.appendingPathComponent("home")
      try FileManager.default.createDirectory(at: home, withIntermediateDirectories: false)
      let variables = ["HOME": home.path]
      for (output, file) in [("~/pics/", "pics/1-42.png"), ("~/x.png", "x.png")] {
        let result = try Program.run(draw + ["--output=\(output)"], in: folder, environment: variables)
        #expect(result.output == "\(home.path)/\(file)\n", "\(result.errors)")
        #expect(try PNG.decode(bytes("home/\(file)", folder)).width == 64)
      }
      #expect(try names(folder) == ["model", "home"])
      let other = try Program.run(draw + ["-o", "~root.png"], in: folder, environment: variables)
      #expect(try other.code == 0 && names(folder) == ["model", "home", "~root.png"])
    }
  }

  @Test func nothingIsOverwrittenWhereThatIsNotWanted() throws {
    try inModelFolder { folder in
      try Data([1]).write(to: folder.appendingPathComponent("a-2.png"))
      let refused = try Program.run(draw + ["-b", "3", "-o", "a.png", "--no-overwrite"], in: folder)
      #expect(refused.code == 1 && refused.errors == "flux: a-2.png exists already, and --no-overwrite was given\n")
      #expect(try names(folder) == ["model", "a-2.png"])
      #expect(try bytes("a-2.png", folder) == [1])
      let drawn = try Program.run(draw + ["-o", "b.png", "--grid", "g.png", "--no-overwrite"], in: folder)
      #expect(drawn.code == 0, "\(drawn.errors)")
      #expect(try Program.run(draw + ["-o", "c.png", "--grid", "g.png", "--no-overwrite"], in: folder).code == 1)
    }
  }

  /// A call that cannot end well, its exit code, and the sentence; nothing is drawn.
  @Test(arguments: [
    (["-o", "a.png", "--grid", "no/g.png"], 1, "cannot create "),
    (["-o", "a.png", "--grid", "model"], 2, "a contact sheet is a PNG"),
    (["-o", "a.png", "--grid", "g.jpg"], 2, "a contact sheet is a PNG file: the name g.jpg must end in .png"),
    (["-o", "a.png", "--grid", "./a.png"], 2, "--grid would overwrite the image a.png"),
    (["-b", "2", "-o", "a.png", "--grid", "a-2.png"], 2, "--grid would overwrite the image a-2.png"),
    (["-o", "model/unet.png/a.png"], 1, "cannot create "),
    (["-o", String(repeating: "b", count: 300) + ".png"], 1, "cannot create "),
    (["-o", ""], 2, "The value '' is invalid for '-o"),
    (["-o", "-", "-b", "2"], 2, "standard output takes one image, not 2"),
    (["-o", "a.png", "--format", "jpg"], 2, "--format jpg does not match the name a.png"),
    (["-o", "model/model_index.json/"], 1, "the folder "),
    (["-o", "out/", "-W", "50"], 2, "width 50: this model generates multiples of 16"),
    (["-o", "out/", "--steps", "1001"], 2, "1001 steps: this schedule takes 1 to 1000"),
  ])
  func whatCannotEndWellIsRefusedBeforehand(_ arguments: [String], _ code: Int32, _ sentence: String) throws {
    try inModelFolder { folder in
      let result = try Program.run(["generate", "a cat", "-m", "model"] + arguments, in: folder)
      #expect(result.code == code && result.errors.hasPrefix("flux: \(sentence)"), "\(result.code) \(result.errors)")
      #expect(result.output.isEmpty)
      #expect(try names(folder) == ["model"])
    }
  }

  @Test func anInputIsNeverOverwritten() throws {
    try inModelFolder { folder in
      try Data("a cat".utf8).write(to: folder.appendingPathComponent("p.png"))
      try FileManager.default.createSymbolicLink(
        atPath: folder.appendingPathComponent("link.png").path, withDestinationPath: "p.png")
      let common = ["generate", "-m", "model", "--steps", "1", "--prompt-file", "p.png"]
      for output in [["-o", "p.png"], ["-o", "link.png"], ["-o", "a.png", "--grid", "./p.png"]] {
        let result = try Program.run(common + output, in: folder)
        #expect(result.code == 2 && result.errors.hasPrefix("flux: the output would overwrite the input p.png"))
      }
      try Program.makeImage("c.png", in: folder)
      for (arguments, name) in [
        (["convert", "model", "--storage", "int8", "--output", "./model"], "model"),
        (["forward", "decoder", "--in", "p.png", "--out", "p.png"], "p.png"),
        (["data", "check", ".", "-o", "c.png"], "c.png"), (["data", "show", ".", "-o", "p.png"], "p.png"),
      ] {
        let result = try Program.run(arguments, in: folder)
        #expect(result.code == 2 && result.errors.contains("would overwrite"), "\(name) \(result.errors)")
      }
      #expect(try bytes("p.png", folder) == Array("a cat".utf8))
    }
  }

  @Test(arguments: [
    ["data", "check", ".", "-o", "x.jpg"], ["data", "show", "-o", "x.txt", "--count", "1"],
    ["data", "check", ".", "-o", ""], ["train", "-o", ""], ["train", "-o", "run", "--data", ""],
  ])
  func endingsThatLieAndEmptyNamesAreRefused(_ arguments: [String]) throws {
    try inModelFolder { folder in
      let result = try Program.run(arguments, in: folder)
      #expect(result.code == 2 && result.errors.hasPrefix("flux: "), "\(result.errors)")
      #expect(try names(folder) == ["model"])
    }
  }

  @Test func aNamedPipeIsNoFileOfTensors() throws {
    try inModelFolder { folder in
      #expect(mkfifo(folder.appendingPathComponent("pipe").path, 0o600) == 0)
      for arguments in [
        ["forward", "decoder", "-m", "model", "--in", "pipe", "--out", "o.safetensors"], draw + ["--lora", "pipe"],
      ] {
        let result = try Program.run(arguments, in: folder)
        #expect(result.code == 1 && result.errors.hasSuffix("pipe: it is not a regular file\n"), "\(result.errors)")
      }
    }
  }
}
