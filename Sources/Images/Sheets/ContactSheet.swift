/// Many images of one size in a grid.
public enum ContactSheet {
  /// Images at a quarter of their size, eight in a row.
  public static func thumbnails(_ images: [Image]) -> Image {
    lay(images.map(quarter), columns: min(8, images.count))
  }

  private static func quarter(_ image: Image) -> Image {
    if image.width % 4 == 0, image.height % 4 == 0 { return image.shrunk(by: 4) }
    return image.resized(width: (image.width + 3) / 4, height: (image.height + 3) / 4, filter: .box)
  }

  /// Rows of `columns` images from the top, with a white gap between images.
  public static func lay(_ images: [Image], columns: Int, gap: Int = 4) -> Image {
    guard let first = images.first, columns > 0 else {
      fatalError("a contact sheet needs at least one image")
    }
    let rows = (images.count + columns - 1) / columns
    let (width, height) = (columns * (first.width + gap) + gap, rows * (first.height + gap) + gap)
    var pixels = [UInt8](repeating: 255, count: 3 * width * height)
    for (index, image) in images.enumerated() {
      guard image.width == first.width, image.height == first.height, image.channels == .rgb else {
        fatalError(
          "a contact sheet needs RGB images of \(first.width)×\(first.height), got \(image.width)×\(image.height)"
        )
      }
      let left = gap + index % columns * (first.width + gap)
      let top = gap + index / columns * (first.height + gap)
      for y in 0..<image.height {
        let row = image.pixels[3 * y * image.width..<3 * (y + 1) * image.width]
        let start = 3 * ((top + y) * width + left)
        pixels.replaceSubrange(start..<start + row.count, with: row)
      }
    }
    return Image(width: width, height: height, channels: .rgb, pixels: pixels)
  }
}
