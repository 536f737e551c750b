import Datasets
import Images
import Testing

@Suite struct NearestImagesTests {
  /// An RGB image with one color on its left half and another on its right half.
  private func halves(_ left: UInt8, _ right: UInt8, width: Int = 40, height: Int = 40) -> Image {
    let row = (0..<width).flatMap { x in [UInt8](repeating: x < width / 2 ? left : right, count: 3) }
    let pixels = (0..<height).flatMap { _ in row }
    return Image(width: width, height: height, channels: .rgb, pixels: pixels)
  }

  @Test func theDistanceIsTheRootMeanSquareDifference() throws {
    try TestImageFolder.with { folder in
      try folder.writeImage("a.png", 10)
      try folder.writeImage("b.png", 100)
      let nearest = try NearestImages(folder.open()).nearest(to: halves(90, 90), count: 2)
      #expect(nearest.map(\.index) == [1, 0] && nearest.map(\.distance) == [10, 80])
    }
  }

  @Test func aFlippedImageIsFound() throws {
    try TestImageFolder.with { folder in
      try folder.write("a.png", PNG.encode(halves(0, 255)))
      try folder.write("b.png", PNG.encode(halves(120, 120)))
      let index = try NearestImages(folder.open())
      let (flipped, upright) = (index.nearest(to: halves(255, 0))[0], index.nearest(to: halves(0, 255))[0])
      #expect(flipped.index == 0 && flipped.distance == 0 && flipped.isMirrored)
      #expect(upright.index == 0 && upright.distance == 0 && !upright.isMirrored)
    }
  }

  @Test func sizesAndChannelsMayDiffer() throws {
    try TestImageFolder.with { folder in
      try folder.writeImage("gray.png", 200, width: 300, height: 70)
      let match = try NearestImages(folder.open()).nearest(to: halves(200, 200, width: 64, height: 90))
      #expect(match.map(\.distance) == [0])
    }
  }

  @Test func unreadableImagesAreNamedAndOthersSearched() throws {
    try TestImageFolder.with { folder in
      try folder.write("a.png", "no image")
      try folder.writeImage("b.png", 50)
      let index = try NearestImages(folder.open())
      #expect(index.failures.map(\.id) == ["a.png"] && index.nearest(to: halves(0, 0))[0].index == 1)
    }
  }

  @Test func aFolderWithoutReadableImagesIsRefused() throws {
    try TestImageFolder.with { folder in
      try folder.write("a.png", "no image")
      let source = try folder.open()
      #expect(throws: DatasetError.self) { try NearestImages(source) }
    }
  }
}
