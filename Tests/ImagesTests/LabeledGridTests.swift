import Testing

@testable import Images

@Suite struct LabeledGridTests {
  private func image(_ value: UInt8) -> Image {
    Image(width: 32, height: 16, channels: .rgb, pixels: [UInt8](repeating: value, count: 3 * 32 * 16))
  }

  private func pixel(_ image: Image, _ x: Int, _ y: Int) -> UInt8 { image.pixels[3 * (y * image.width + x)] }

  @Test func imagesLieUnderTheirColumnsAndBesideTheirRows() {
    let grid = LabeledGrid.lay(
      [10, 20, 30, 40, 50, 60].map { image($0) }, columns: ["a", "b", "c"], rows: ["x", "y"])
    let (left, top) = (4 + 6, 4 + 9)  // a gap and a character of 6, or a line of 9
    #expect((grid.width, grid.height) == (left + 3 * 36, top + 2 * 20))
    for (index, value) in [UInt8(10), 20, 30, 40, 50, 60].enumerated() {
      let (x, y) = (left + index % 3 * 36, top + index / 3 * 20)
      #expect(pixel(grid, x, y) == value && pixel(grid, x + 31, y + 15) == value)
      #expect(pixel(grid, x + 32, y + 15) == 255)
    }
  }

  @Test func labelsAreBlackOnWhiteAndEmptyOnesTakeNoRoom() {
    let bare = LabeledGrid.lay([image(9)], columns: [""], rows: [""])
    #expect((bare.width, bare.height) == (4 + 36, 4 + 20))
    let labeled = LabeledGrid.lay([image(9)], columns: ["T"], rows: [""])
    // The bar of the T: five black pixels, then the gap.
    #expect((0..<6).map { pixel(labeled, 4 + $0, 1) } == [0, 0, 0, 0, 0, 255])
  }

  @Test func longLabelsAreBrokenAndCut() {
    #expect(PixelFont.lines("a red apple", columns: 6, count: 3) == ["a red", "apple"])
    #expect(PixelFont.lines("abcdefghij", columns: 4, count: 3) == ["abcd", "efgh", "ij"])
    #expect(PixelFont.lines("one two three four", columns: 5, count: 2) == ["one", "two.."])
    #expect(PixelFont.lines("", columns: 5, count: 2).isEmpty)
  }

  @Test func everyPrintableCharacterHasAShapeOfItsOwn() {
    func shape(_ character: Character) -> [Bool] {
      (0..<35).map { PixelFont.hasInk(character, column: $0 % 5, row: $0 / 5) }
    }
    let all = (32..<127).map { Character(Unicode.Scalar(UInt8($0))) }
    #expect(Set(all.map(shape)).count == 95)
    #expect(shape("é") == shape("日"), "what is not in the font is a box")
  }
}
