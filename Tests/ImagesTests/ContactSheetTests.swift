import Images
import Testing

@Suite struct ContactSheetTests {
  private func plain(_ value: UInt8, _ width: Int, _ height: Int) -> Image {
    Image(
      width: width, height: height, channels: .rgb, pixels: [UInt8](repeating: value, count: 3 * width * height))
  }

  /// The red values of a row.
  private func row(_ image: Image, _ y: Int) -> [UInt8] {
    (0..<image.width).map { image.pixels[3 * (y * image.width + $0)] }
  }

  @Test func imagesLieInRowsFromTheTopWithWhiteGaps() {
    let sheet = ContactSheet.lay([10, 20, 30].map { plain($0, 2, 1) }, columns: 2, gap: 1)
    #expect(sheet.width == 2 * 3 + 1 && sheet.height == 2 * 2 + 1)
    #expect(row(sheet, 0) == [255, 255, 255, 255, 255, 255, 255])
    #expect(row(sheet, 1) == [255, 10, 10, 255, 20, 20, 255])
    #expect(row(sheet, 2) == row(sheet, 0))
    #expect(row(sheet, 3) == [255, 30, 30, 255, 255, 255, 255], "the rest of the last row is white")
    #expect(row(sheet, 4) == row(sheet, 0))
  }

  @Test func withoutAGapAColumnOfImagesIsTheirPixelsOneAfterTheOther() {
    let images = [plain(1, 3, 2), plain(2, 3, 2)]
    let sheet = ContactSheet.lay(images, columns: 1, gap: 0)
    #expect(sheet == Image(width: 3, height: 4, channels: .rgb, pixels: images[0].pixels + images[1].pixels))
    #expect(ContactSheet.lay([images[0]], columns: 1, gap: 0) == images[0])
  }

  @Test func everyPixelOfEveryImageIsOnTheSheetOnce() {
    let images = (0..<7).map { index in
      Image(
        width: 4, height: 5, channels: .rgb, pixels: (0..<60).map { UInt8((index * 60 + $0) * 7 % 251) })
    }
    let (columns, gap) = (3, 2)
    let sheet = ContactSheet.lay(images, columns: columns, gap: gap)
    for (index, image) in images.enumerated() {
      let (left, top) = (gap + index % columns * (4 + gap), gap + index / columns * (5 + gap))
      #expect(sheet.cropped(left: left, top: top, width: 4, height: 5) == image, "image \(index)")
    }
    let white = sheet.pixels.count { $0 == 255 }
    #expect(white == sheet.pixels.count - images.reduce(0) { $0 + $1.pixels.count })
  }

  @Test(arguments: [(1, 1, 1), (3, 3, 1), (8, 8, 1), (9, 8, 2), (17, 8, 3)])
  func thumbnailsAreAQuarterAsWideAndEightInARow(_ count: Int, _ columns: Int, _ rows: Int) {
    let sheet = ContactSheet.thumbnails((0..<count).map { plain(UInt8($0), 8, 4) })
    #expect(sheet.width == columns * (2 + 4) + 4 && sheet.height == rows * (1 + 4) + 4)
    #expect(sheet.cropped(left: 4, top: 4, width: 2, height: 1).pixels == [0, 0, 0, 0, 0, 0])
  }
}
