/// Images in rows and columns that have labels, as plots over settings have them.
public enum LabeledGrid {
  /// Lays images out row by row: black labels above the columns and left of the rows, on white.
  ///
  /// There are as many images as rows times columns, all RGB and of one size; empty labels take no room. Long labels are
  /// broken into lines and cut.
  public static func lay(_ images: [Image], columns: [String], rows: [String], gap: Int = 4) -> Image {
    guard let first = images.first, images.count == columns.count * rows.count else {
      fatalError("\(images.count) images for \(rows.count) rows of \(columns.count)")
    }
    let scale = max(1, first.width / 160)  // of a pixel of the font
    let (advance, lineHeight) = (PixelFont.advance * scale, PixelFont.lineHeight * scale)
    let above = columns.map { PixelFont.lines($0, columns: max(3, first.width / advance), count: 3) }
    let beside = rows.map { PixelFont.lines($0, columns: 18, count: max(1, first.height / lineHeight)) }
    let top = gap + (above.map(\.count).max() ?? 0) * lineHeight
    let left = gap + (beside.flatMap { $0 }.map(\.count).max() ?? 0) * advance
    let (width, height) = (left + columns.count * (first.width + gap), top + rows.count * (first.height + gap))
    var canvas = Canvas(width: width, height: height)
    for (index, image) in images.enumerated() {
      guard image.width == first.width, image.height == first.height, image.channels == .rgb else {
        fatalError("a grid needs RGB images of \(first.width)×\(first.height), got \(image.width)×\(image.height)")
      }
      let (row, column) = (index / columns.count, index % columns.count)
      canvas.paste(image, left: left + column * (first.width + gap), top: top + row * (first.height + gap))
    }
    for (column, lines) in above.enumerated() {
      canvas.write(lines, left: left + column * (first.width + gap), top: scale, scale: scale)
    }
    for (row, lines) in beside.enumerated() {
      canvas.write(lines, left: scale, top: top + row * (first.height + gap), scale: scale)
    }
    return Image(width: width, height: height, channels: .rgb, pixels: canvas.pixels)
  }

  private struct Canvas {
    let width: Int
    let height: Int
    var pixels: [UInt8]

    init(width: Int, height: Int) {
      (self.width, self.height) = (width, height)
      pixels = [UInt8](repeating: 255, count: 3 * width * height)
    }

    mutating func paste(_ image: Image, left: Int, top: Int) {
      for y in 0..<image.height {
        let start = 3 * ((top + y) * width + left)
        let row = image.pixels[3 * y * image.width..<3 * (y + 1) * image.width]
        pixels.replaceSubrange(start..<start + row.count, with: row)
      }
    }

    mutating func write(_ lines: [String], left: Int, top: Int, scale: Int) {
      for (line, text) in lines.enumerated() {
        for (place, character) in text.enumerated() {
          for row in 0..<PixelFont.height {
            for column in 0..<PixelFont.width where PixelFont.hasInk(character, column: column, row: row) {
              let x = left + (place * PixelFont.advance + column) * scale
              fill(x: x, y: top + (line * PixelFont.lineHeight + row) * scale, side: scale)
            }
          }
        }
      }
    }

    private mutating func fill(x: Int, y: Int, side: Int) {
      for row in y..<min(y + side, height) {
        for column in x..<min(x + side, width) {
          let start = 3 * (row * width + column)
          (pixels[start], pixels[start + 1], pixels[start + 2]) = (0, 0, 0)
        }
      }
    }
  }
}
