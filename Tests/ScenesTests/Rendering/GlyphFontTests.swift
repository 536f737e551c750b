import Foundation
import TestSupport
import Testing

@testable import Scenes

@Suite struct GlyphFontTests {
  @Test func aFileThatIsNoFontIsNamed() throws {
    try Project.inTemporaryFolder { folder in
      let text = folder.appendingPathComponent("text.ttf")
      try Data("no font".utf8).write(to: text)
      for url in [text, folder.appendingPathComponent("missing.ttf"), folder] {
        let error = #expect(throws: GlyphFont.Failure.self) { try GlyphFont(url) }
        #expect(error?.description == "\(url.path) is not a font with color bitmaps")
      }
    }
  }

  @Test func aCharacterWithoutABitmapIsNamed() throws {
    let font = try GlyphFont.notoColorEmoji()
    let error = #expect(throws: GlyphFont.Failure.self) { try font.sprite("\u{e123}") }
    #expect(error?.description.hasSuffix("has no color bitmap for U+e123") == true)
  }

  @Test func aMissingFontSaysWhereItWasSoughtAndWhatToDo() {
    let sentence = GlyphFont.Failure.noFont(searched: ["/a", "/b"]).description
    #expect(sentence.hasPrefix("Noto Color Emoji was not found under /a, /b: install it with "))
    #expect(sentence.contains("FLUX_EMOJI_FONT"))
  }

  @Test(arguments: ["🍎", "🐼", "🚲"] as [Unicode.Scalar]) func glyphsHaveColorsUnderTheirAlpha(_ scalar: Unicode.Scalar)
    throws
  {
    let level = try GlyphFont.notoColorEmoji().sprite(scalar).levels[0]
    #expect((40...136).contains(level.width) && (40...128).contains(level.height))
    var opaque = 0
    for y in 0..<level.height {
      for x in 0..<level.width {
        let pixel = level.pixel(x, y)
        if pixel.w == 255 { opaque += 1 }
        // Premultiplied: no color is more than its alpha.
        #expect(max(pixel.x, pixel.y, pixel.z) <= pixel.w + 1)
      }
    }
    #expect(opaque > level.width * level.height / 12)
  }

  /// Blue comes first in the font's bitmaps.
  @Test func anAppleIsRedAndAFrogGreen() throws {
    let font = try GlyphFont.notoColorEmoji()
    func mean(_ scalar: Unicode.Scalar) throws -> SIMD4<Float> {
      let level = try font.sprite(scalar).levels[0]
      var sum = SIMD4<Float>.zero
      for y in 0..<level.height { for x in 0..<level.width { sum += level.pixel(x, y) } }
      return sum / sum.w
    }
    let (apple, frog) = (try mean("🍎"), try mean("🐸"))
    #expect(apple.x > 1.8 * apple.y && apple.x > 1.8 * apple.z)
    #expect(frog.y > frog.x && frog.y > frog.z)
  }
}
