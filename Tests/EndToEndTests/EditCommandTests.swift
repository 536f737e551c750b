import Foundation
import Images
import TestSupport
import Testing

/// Image-to-image, inpainting, outpainting and variations, as people call them.
@Suite struct EditCommandTests {
  /// Runs `body` in a folder with an untrained model of preset tiny, `photo.png` (64×64), `hole.png`, its mask, and others.
  private func inFolder(_ body: (URL) throws -> Void) throws {
    try Program.inModelFolder { folder in
      func write(_ name: String, _ bytes: [UInt8]) throws {
        try Data(bytes).write(to: folder.appendingPathComponent(name))
      }
      try write("photo.png", PNG.encode(Self.photo))
      let hole = (0..<4096).map { (20..<40).contains($0 % 64) && (20..<40).contains($0 / 64) ? 255 : 0 as UInt8 }
      try write("hole.png", PNG.encode(Image(width: 64, height: 64, channels: .gray, pixels: hole)))
      try write(
        "black.png", PNG.encode(Image(width: 64, height: 64, channels: .gray, pixels: .init(repeating: 0, count: 4096)))
      )
      try write(
        "wide.png",
        PNG.encode(Image(width: 64, height: 32, channels: .gray, pixels: .init(repeating: 255, count: 2048))))
      try write("text.png", Array("no image".utf8))
      try body(folder)
    }
  }

  private static let photo = Image(
    width: 64, height: 64, channels: .rgb,
    pixels: (0..<4096).flatMap { index in
      let value = UInt8(index % 64 * 3)
      return [value, value + 20, value + 40]
    })

  private func call(_ more: [String], in folder: URL) throws -> Program.Result {
    try Program.run(["generate", "a red apple", "-m", "model", "--steps", "4"] + more, in: folder)
  }

  private func bytes(_ name: String, _ folder: URL) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: folder.appendingPathComponent(name)))
  }

  private func parameters(_ name: String, _ folder: URL) throws -> String {
    try #require(PNGText.read(bytes(name, folder)).first).text
  }

  @Test func imageToImageAtStrength1IsTextToImage() throws {
    try inFolder { folder in
      let one = try call(["-i", "photo.png", "--strength", "1", "-o", "a.png"], in: folder)
      #expect(one.code == 0 && one.errors.isEmpty && one.output == "a.png\n")
      _ = try call(["-o", "b.png"], in: folder)
      _ = try call(["--init-img", "photo.png", "-o", "c.png"], in: folder)
      let images = try ["a.png", "b.png", "c.png"].map { try PNG.decode(bytes($0, folder)) }
      #expect(images[0] == images[1] && images[2] != images[1])
      #expect(try parameters("c.png", folder).contains("Denoising strength: 0.75, Init image hash: "))
    }
  }

  @Test func pixelsThatAreNotMaskedAreEqualInTheWrittenFile() throws {
    try inFolder { folder in
      let result = try call(
        ["-i", "photo.png", "--mask", "hole.png", "--mask-blur", "4", "--strength", "1", "-o", "a.png"], in: folder)
      #expect(result.code == 0 && result.errors.isEmpty)
      let drawn = try PNG.decode(bytes("a.png", folder))
      for index in 0..<4096 where !((16..<44).contains(index % 64) && (16..<44).contains(index / 64)) {
        #expect(drawn.pixels[3 * index..<3 * index + 3] == Self.photo.pixels[3 * index..<3 * index + 3])
      }
      #expect(drawn != Self.photo)
      let text = try parameters("a.png", folder)
      #expect(
        text.contains("Mask blur: 4, Masked content: original, Inpaint area: Only masked, Masked area padding: 32"))
    }
  }

  @Test func anExtensionMakesTheImageLarger() throws {
    try inFolder { folder in
      let result = try call(
        ["-i", "photo.png", "--extend", "right=30,top=5", "--mask-blur", "0", "-o", "a.png"], in: folder)
      #expect(result.code == 0 && result.errors.isEmpty)
      let drawn = try PNG.decode(bytes("a.png", folder))
      #expect(drawn.width == 94 && drawn.height == 69)
      #expect(drawn.cropped(left: 0, top: 5, width: 64, height: 64) == Self.photo)
      #expect(try parameters("a.png", folder).contains("Extend: top=5 right=30"))
    }
  }

  @Test func anImageIsReadUprightInEightBitsAndOnWhite() throws {
    try inFolder { folder in
      // Turned as EXIF says: a camera's 64×32 with orientation 6 is 32 wide and 64 high.
      let file = folder.appendingPathComponent("turned.jpg")
      let exif: [UInt8] = [
        0xff, 0xe1, 0, 34, 0x45, 0x78, 0x69, 0x66, 0, 0, 0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1,
        0, 6,
        0, 0, 0, 0, 0, 0,
      ]
      var jpeg = try JPEG.encode(Self.photo.cropped(left: 0, top: 0, width: 64, height: 32), quality: 90)
      jpeg.insert(contentsOf: exif, at: 2)
      try Data(jpeg).write(to: file)
      let result = try call(["-i", "turned.jpg", "--extend", "left=8", "-o", "turned.png"], in: folder)
      #expect(result.code == 0 && result.errors.isEmpty)
      let turned = try PNG.decode(bytes("turned.png", folder))
      #expect(turned.width == 40 && turned.height == 64)

      let clear = Image(width: 64, height: 64, channels: .rgba, pixels: .init(repeating: 0, count: 16384))
      try Data(PNG.encode(clear)).write(to: folder.appendingPathComponent("clear.png"))
      _ = try call(["-i", "clear.png", "--mask", "hole.png", "-o", "white.png"], in: folder)
      #expect(try PNG.decode(bytes("white.png", folder)).pixels.prefix(30).allSatisfy { $0 == 255 })
    }
  }

  @Test func imagesThatCannotBeReadAreNamed() throws {
    try inFolder { folder in
      // A PNG whose header claims 16,000 × 2,000 pixels, and one with a chunk of animations before its pixels.
      var large = try bytes("photo.png", folder)
      large.replaceSubrange(16..<24, with: [0, 0, 0x3e, 0x80, 0, 0, 7, 0xd0])
      try Data(large).write(to: folder.appendingPathComponent("large.png"))
      var moving = try bytes("photo.png", folder)
      let control: [UInt8] = [0, 0, 0, 8] + Array("acTL".utf8) + [0, 0, 0, 2, 0, 0, 0, 0, 0xf3, 0x8d, 0x93, 0x70]
      moving.insert(contentsOf: control, at: 33)
      try Data(moving).write(to: folder.appendingPathComponent("moving.png"))
      let tooLarge = try call(["-i", "large.png"], in: folder)
      #expect(tooLarge.code == 2)
      #expect(
        tooLarge.errors == "flux: large.png has 16000×2000 pixels, 32000000 in total; the limit is 16777216\n")
      let animated = try call(["-i", "moving.png"], in: folder)
      #expect(animated.code == 1)
      #expect(animated.errors.hasPrefix("flux: moving.png is an unsupported PNG image: it is animated"))
    }
  }

  @Test func variationsHaveOneSeedAndDifferentSecondSeeds() throws {
    try inFolder { folder in
      let result = try call(
        ["--variation-seed", "7", "--variation-strength", "0.2", "-b", "2", "-o", "v-%d.png"], in: folder)
      #expect(result.code == 0 && result.errors.isEmpty)
      for (name, seed) in [("v-1.png", 7), ("v-2.png", 8)] {
        #expect(
          try parameters(name, folder).contains("Variation seed: \(seed), Variation seed strength: 0.2"))
      }
      let random = try call(["--variation-strength", "0.2", "-o", "r.png"], in: folder)
      #expect(random.errors.contains(/^flux: variation seed [0-9]+\n$|^variation seed [0-9]+\n$/))
    }
  }

  @Test func aStrengthOfNoStepIsSaid() throws {
    try inFolder { folder in
      let result = try call(["-i", "photo.png", "--strength", "0.2", "-o", "a.png"], in: folder)
      #expect(result.code == 0)
      #expect(result.errors.hasPrefix("flux: strength 0.2 of 4 steps is no step: the prompt has no effect\n"))
    }
  }

  @Test(arguments: [
    (["--strength", "0.5"], "there is no init image (--init-img): remove --strength"),
    (["--mask", "hole.png", "--mask-invert"], "there is no init image (--init-img): remove --mask, --mask-invert"),
    (["-i", "photo.png", "--strength", "1.2"], "--strength 1.2 must be 0 to 1"),
    (
      ["-i", "photo.png", "--mask-blur", "4"],
      "there is no mask (--mask) and no extension (--extend): remove --mask-blur"
    ),
    (["-i", "photo.png", "--invert-mask"], "there is no mask (--mask): remove --mask-invert"),
    (["-i", "photo.png", "--mask", "wide.png"], "the mask has 64×32 pixels and the init image 64×64"),
    (["-i", "photo.png", "--mask", "black.png"], "the mask has no white pixel: nothing would be redrawn"),
    (["-i", "photo.png", "--mask", "hole.png", "--fit", "stretch"], "--fit has no effect: the init image keeps"),
    (
      ["-i", "photo.png", "--mask", "hole.png", "--no-mask-crop", "--mask-padding", "4"],
      "--no-mask-crop draws the whole image: remove --mask-padding"
    ),
    (["-i", "photo.png", "--mask", "hole.png", "--large-latents"], "--large-latents cannot be combined with --mask"),
    (["-i", "photo.png", "--extend", "left=0"], "--extend left=0: 0 pixels must be 1 to 4096"),
    (["-i", "photo.png", "--extend", "up=4"], "--extend up=4: \"up\" is not left, top, right or bottom"),
    (["-i", "photo.png", "--extend", "left=4", "-W", "64"], "--extend sets the size: remove"),
    (["-i", "photo.png", "-o", "photo.png"], "the output would overwrite the input photo.png: choose another name"),
    (["-i", "none.png"], "cannot read none.png: "),
    (["-i", "text.png"], "text.png is not a supported image (JPEG, PNG, WebP): it begins with \"no ima\""),
    (["--variation-seed", "4"], "--variation-seed has no effect without --variation-strength above 0"),
    (["--variation-strength", "2"], "--variation-strength 2.0 must be 0 to 1"),
  ])
  func aWrongCallGetsOneSentence(_ arguments: [String], _ sentence: String) throws {
    try inFolder { folder in
      let result = try call(arguments, in: folder)
      #expect(result.code == (sentence.hasPrefix("cannot read") || sentence.hasPrefix("text.png") ? 1 : 2))
      #expect(result.errors.hasPrefix("flux: \(sentence)"), "\(result.errors)")
      #expect(result.errors.filter { $0 == "\n" }.count == 1)
    }
  }
}
