import Foundation
import Images
import TestSupport
import Testing

@Suite struct VariationsCommandTests {
  private func run(_ arguments: [String], in folder: URL) throws -> Program.Result {
    try Program.run(arguments, in: folder, environment: ["FLUX_MODELS": folder.path])
  }

  private func text(_ name: String, _ folder: URL) throws -> String {
    let bytes = [UInt8](try Data(contentsOf: folder.appendingPathComponent(name)))
    return try #require(PNGText.read(bytes).first?.text)
  }

  @Test func anImageIsVariedWithItsOwnSettings() throws {
    try Program.inModelFolder { folder in
      let drawn = try run(
        ["generate", "a red apple", "-m", "model", "-s", "7", "--steps", "3", "-o", "a.png"], in: folder)
      #expect(drawn.code == 0, "\(drawn.errors)")
      let result = try run(
        ["variations", "a.png", "-b", "2", "--variation-seed", "5", "--amount", "0.3", "-o", "v/"], in: folder)
      #expect(result.code == 0, "\(result.errors)")
      let names = try FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent("v").path).sorted()
      #expect(names.count == 2)
      for (index, name) in names.enumerated() {
        let settings = try text("v/\(name)", folder)
        #expect(settings.hasPrefix("a red apple\nSteps: 3, ") && settings.contains("Seed: 7,"))
        #expect(settings.contains("Variation seed: \(5 + index), Variation seed strength: 0.3"), "\(settings)")
      }
      // The same as by hand.
      let same = try run(
        ["generate", "--replay", "a.png", "--variation-seed", "5", "--variation-strength", "0.3", "-o", "b.png"],
        in: folder)
      #expect(same.code == 0)
      #expect(try text("b.png", folder) == text("v/\(names[0])", folder))
    }
  }

  @Test func anImageWithoutSettingsIsTheStartOfImageToImage() throws {
    try Program.inModelFolder { folder in
      let pixels = Array([[UInt8]](repeating: [200, 30, 40], count: 128 * 128).joined())
      let photo = try PNG.encode(Image(width: 128, height: 128, channels: .rgb, pixels: pixels))
      try Data(photo).write(to: folder.appendingPathComponent("photo.png"))
      let result = try run(
        ["variations", "photo.png", "-p", "a house", "-m", "model", "-b", "1", "-o", "house.png", "--quiet"], in: folder
      )
      #expect(result.code == 0, "\(result.errors)")
      #expect(
        result.errors.hasPrefix("flux: photo.png has no settings to draw it again: it is the start of image-to-image\n")
      )
      let settings = try text("house.png", folder)
      #expect(settings.hasPrefix("a house\n") && settings.contains("Denoising strength: 0.5"))
    }
  }

  @Test(arguments: [
    (["variations", "a.png", "--amount", "0"], "--amount 0.0 must be above 0 and at most 1"),
    (["variations", "a.png", "-b", "0"], "--batch-count 0 must be 1 to 10000"),
  ])
  func numbersHaveRanges(_ arguments: [String], _ text: String) throws {
    try Project.inTemporaryFolder { folder in
      let result = try Program.run(arguments, in: folder)
      #expect(result.code == 2 && result.errors == "flux: \(text)\n", "\(result.errors)")
    }
  }
}
