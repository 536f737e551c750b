import Foundation
import Images
import TestSupport
import Testing

/// Images that were drawn from an image: drawn again, verified and varied.
@Suite struct EditReplayTests {
  /// Runs `body` in a folder with a model, `photo.png`, its mask `hole.png`, and `new.png`, which was drawn from them.
  private func inFolder(_ body: (URL) throws -> Void) throws {
    try Program.inModelFolder { folder in
      func write(_ name: String, _ bytes: [UInt8]) throws {
        try Data(bytes).write(to: folder.appendingPathComponent(name))
      }
      let photo = Image(
        width: 64, height: 64, channels: .rgb, pixels: (0..<4096).flatMap { [UInt8($0 % 64 * 3), 20, 40] })
      let hole = (0..<4096).map { (20..<40).contains($0 % 64) && (20..<40).contains($0 / 64) ? 255 : 0 as UInt8 }
      try write("photo.png", PNG.encode(photo))
      try write("hole.png", PNG.encode(Image(width: 64, height: 64, channels: .gray, pixels: hole)))
      let drawn = try run(
        [
          "generate", "a red apple", "-m", "model", "--steps", "4", "-i", "photo.png", "--mask", "hole.png",
          "--strength", "0.5", "--mask-blur", "4", "--mask-fill", "noise", "--mask-padding", "8", "-o", "new.png",
        ], in: folder)
      #expect(drawn.code == 0, "\(drawn.errors)")
      try body(folder)
    }
  }

  private func run(_ arguments: [String], in folder: URL) throws -> Program.Result {
    try Program.run(arguments, in: folder, environment: ["FLUX_MODELS": folder.path])
  }

  private func bytes(_ name: String, _ folder: URL) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: folder.appendingPathComponent(name)))
  }

  private func parameters(_ name: String, _ folder: URL) throws -> String {
    try #require(PNGText.read(bytes(name, folder)).first).text
  }

  /// Moves the images that `new.png` was drawn from into a folder in which nobody looks.
  private func hideImages(in folder: URL) throws {
    let other = folder.appendingPathComponent("other")
    try FileManager.default.createDirectory(at: other, withIntermediateDirectories: true)
    for name in ["photo.png", "hole.png"] {
      try FileManager.default.moveItem(
        at: folder.appendingPathComponent(name), to: other.appendingPathComponent(name))
    }
  }

  @Test func anImageIsDrawnAgainWithItsEditAndTheImagesThatItFinds() throws {
    try inFolder { folder in
      let again = try run(["generate", "--replay", "new.png", "-o", "again.png"], in: folder)
      #expect(again.code == 0 && again.errors == "init image photo.png\nmask hole.png\n", "\(again.errors)")
      #expect(try bytes("again.png", folder) == bytes("new.png", folder))
      let quiet = try run(["generate", "--replay", "new.png", "-i", "photo.png", "-q", "-o", "quiet.png"], in: folder)
      #expect(quiet.code == 0 && quiet.errors.isEmpty)
      #expect(try bytes("quiet.png", folder) == bytes("new.png", folder))
    }
  }

  @Test func inspectTellsTheSettingsOfTheEdit() throws {
    try inFolder { folder in
      let facts = try run(["inspect", "new.png"], in: folder).output
      for (name, value) in [
        ("strength", "0.5"), ("mask blur", "4"), ("mask fill", "noise"), ("mask crop", "true"), ("mask padding", "8"),
      ] { #expect(try facts.contains(Regex("(?m)^\(name) +\(value)$")), "\(facts)") }
      #expect(!facts.contains("fit ") && !facts.contains("extend"))
    }
  }

  @Test func optionsChangeWhatTheyNameAndKeepTheOtherSettings() throws {
    try inFolder { folder in
      let changed = try run(
        ["generate", "--replay", "new.png", "--strength", "1", "--mask-invert", "-o", "changed.png"], in: folder)
      #expect(changed.code == 0)
      let text = try parameters("changed.png", folder)
      #expect(text.contains("Denoising strength: 1,") && text.contains("Mask blur: 4, Masked content: latent noise"))
      #expect(text.contains("Mask mode: Inpaint not masked"), "\(text)")
    }
  }

  @Test func anotherInitImageIsUsedAndSaid() throws {
    try inFolder { folder in
      let other = Image(width: 64, height: 64, channels: .rgb, pixels: .init(repeating: 200, count: 4096 * 3))
      try Data(PNG.encode(other)).write(to: folder.appendingPathComponent("gray.png"))
      let result = try run(
        ["generate", "--replay", "new.png", "-i", "gray.png", "-q", "-o", "gray-new.png"], in: folder)
      #expect(result.code == 0)
      #expect(
        result.errors == "flux: gray.png is another init image than that of new.png: the image will differ\n")
      #expect(try parameters("gray-new.png", folder).contains("Denoising strength: 0.5, "))
    }
  }

  @Test func imagesThatAreNotFoundAreAskedFor() throws {
    try inFolder { folder in
      try hideImages(in: folder)
      let image = try run(["generate", "--replay", "new.png", "-o", "a.png"], in: folder)
      #expect(image.code == 1)
      #expect(image.errors.contains(/^flux: the init image of new.png \(hash [0-9a-f]{10}\) is not in this folder/))
      let mask = try run(["generate", "--replay", "new.png", "-i", "other/photo.png", "-o", "a.png"], in: folder)
      #expect(mask.code == 1 && mask.errors.contains("give it with --mask\n"), "\(mask.errors)")
      let both = try run(
        ["generate", "--replay", "new.png", "-i", "other/photo.png", "--mask", "other/hole.png", "-o", "a.png"],
        in: folder)
      #expect(both.code == 0 && both.errors.isEmpty)
      #expect(try bytes("a.png", folder) == bytes("new.png", folder))
    }
  }

  @Test func verifyDrawsFromTheImagesThatItFindsOrIsGiven() throws {
    try inFolder { folder in
      let found = try run(["verify", "new.png"], in: folder)
      #expect(found.code == 0)
      #expect(found.output == "new.png: pixels intact, model matches, drawn again: identical\n")
      try hideImages(in: folder)
      let missing = try run(["verify", "new.png"], in: folder)
      #expect(missing.code == 4)
      #expect(missing.output.hasPrefix("new.png: pixels intact, model matches, its init image (hash "))
      let json = try run(["verify", "new.png", "--json", "-i", "other/photo.png"], in: folder)
      #expect(json.code == 4 && json.output.contains(#""model":"match","init":"missing","result":"not_run""#))
      #expect(json.output.contains("its mask (hash "))
      let given = try run(
        ["verify", "new.png", "-i", "other/photo.png", "--mask", "other/hole.png", "--json"], in: folder)
      #expect(given.code == 0 && given.output.contains(#""init":"found","result":"identical""#), "\(given.output)")
      #expect(
        try run(["verify", "new.png", "-i", "gone.png"], in: folder).errors.hasPrefix("flux: cannot read gone.png"))
      #expect(try run(["verify", "new.png", "-i", "other/photo.png", "--pixels-only"], in: folder).code == 2)
    }
  }

  @Test func anEditedImageIsVariedFromItsInitImage() throws {
    try inFolder { folder in
      let result = try run(["variations", "new.png", "-b", "2", "--json", "-q", "-o", "v/"], in: folder)
      #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
      #expect(result.output.split(separator: "\n").allSatisfy { $0.hasPrefix(#"{"file":"v/"#) })
      #expect(try parameters("v/1-42.png", folder).contains("Init image hash: "))
      let plain = try run(["variations", "photo.png", "-i", "hole.png", "-o", "w/"], in: folder)
      #expect(plain.code == 2 && plain.errors.contains("photo.png has no settings and is the init image itself"))
    }
  }

  @Test func editOptionsOfAnImageWithoutAnEditAreRefused() throws {
    try inFolder { folder in
      #expect(try run(["generate", "a", "-m", "model", "--steps", "1", "-o", "plain.png"], in: folder).code == 0)
      for (arguments, sentence) in [
        (["plain.png", "--strength", "0.5"], "there is no init image (--init-img): remove --strength"),
        (["plain.png", "-i", "photo.png", "--mask-blur", "3"], "there is no mask (--mask) and no extension"),
        (["new.png", "--large-latents"], "--large-latents cannot be combined with --mask"),
      ] {
        let result = try run(["generate", "--replay"] + arguments + ["-o", "b.png"], in: folder)
        #expect(result.code == 2 && result.errors.hasPrefix("flux: \(sentence)"), "\(result.errors)")
      }
    }
  }
}
