import Images
import Scenes
import Testing

@Suite struct SpriteEnlargedTests {
  /// A slanted edge between opaque and transparent, antialiased, with half-transparent glass beside it.
  private static let sprite = Sprite(
    width: 40, height: 40,
    premultiplied: (0..<1600).map { index in
      let (x, y) = (Float(index % 40), Float(index / 40))
      let cover = max(0, min(1, 14 + y / 8 - x))
      let glass: Float = x > 28 ? 0.4 : 0
      return cover > 0
        ? SIMD4((200 * cover).rounded(), (40 * cover).rounded(), (10 * cover).rounded(), (255 * cover).rounded())
        : SIMD4(0, 0, 255, 255) * glass
    })

  private func drawn(_ sprite: Sprite, side: Double) -> Image {
    var canvas = PixelCanvas(width: 160, height: 160, color: Color(0, 255, 0))
    canvas.draw(sprite, centerX: 80, centerY: 80, side: side)
    return canvas.image
  }

  /// Pixels of the row whose red and green are those of neither side of the red edge.
  private func edgeWidth(_ image: Image, row: Int) -> Int {
    (0..<90).count { x in
      let at = 3 * (row * 160 + x)
      let (red, green) = (image.pixels[at], image.pixels[at + 1])
      return !(red > 190 && green < 50) && !(red < 10 && green > 245)
    }
  }

  @Test func edgesOfEnlargedSpritesAreSharpAndStayInPlace() {
    let (soft, sharp) = (drawn(Self.sprite, side: 160), drawn(Self.sprite.enlarged().fourfold, side: 160))
    for row in stride(from: 20, to: 150, by: 10) {
      #expect(edgeWidth(soft, row: row) >= 6, "row \(row)")
      #expect(edgeWidth(sharp, row: row) <= 4, "row \(row)")
      func middle(_ image: Image) -> Int { (0..<90).count { image.pixels[3 * (row * 160 + $0)] > 100 } }
      #expect(abs(middle(soft) - middle(sharp)) <= 1, "row \(row)")
    }
  }

  @Test func plateausOfHalfTransparencyStay() {
    let sharp = drawn(Self.sprite.enlarged().fourfold, side: 160)
    let at = 3 * (80 * 160 + 140)
    #expect(Array(sharp.pixels[at..<at + 3]) == [0, 153, 102])
  }

  @Test func whatIsDrawnNoLargerThanTheBitmapHasTheOldBytes() {
    for side in [8.0, 21.5, 39] {
      #expect(drawn(Self.sprite.enlarged().fourfold, side: side) == drawn(Self.sprite, side: side))
      #expect(drawn(Self.sprite.enlarged().twofold, side: side) == drawn(Self.sprite, side: side))
    }
  }

  @Test func sharpStickerEdgesLieWhereTheSoftOnesDo() {
    let (soft, sharp) = (Self.sprite.stickerEdge().sprite, Self.sprite.enlargedStickerEdge().fourfold)
    #expect(abs(soft.aspect - sharp.aspect) < 1e-9)
    let (a, b) = (drawn(soft, side: 150), drawn(sharp, side: 150))
    let differences = zip(a.pixels, b.pixels).map { abs(Int($0) - Int($1)) }
    #expect(Double(differences.reduce(0, +)) / Double(differences.count) < 6)
    #expect(a != b)
  }
}
