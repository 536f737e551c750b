/// Sixel graphics: six rows of pixels a band, one color after the other.
enum Sixel {
  /// Levels of each of red, green and blue in the palette.
  private static let levels = 6
  /// Pixels of a character cell where the terminal does not tell: a usual font at a usual size.
  private static let cell = (width: 10, height: 20)

  /// Ordered dithering by Bayer's 4×4 matrix, in sixteenths of a level.
  private static let bayer = [0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5]

  /// The image at the size of an area, in a palette of 216 dithered colors.
  static func encode(_ image: Image, _ area: TerminalArea) -> [UInt8] {
    let (width, height) = (area.columns * cell.width, area.rows * cell.height)
    let scaled = image.asRGB.resized(width: width, height: height, filter: .lanczos)
    let colors = indices(scaled)
    var text = "\u{1b}P0;1;0q\"1;1;\(width);\(height)"
    for color in Set(colors).sorted() {
      let parts = [color / 36, color / 6 % 6, color % 6].map { String($0 * 100 / (levels - 1)) }
      text += "#\(color);2;" + parts.joined(separator: ";")
    }
    for top in stride(from: 0, to: height, by: 6) {
      let rows = top..<min(top + 6, height)
      let band = Set(colors[rows.lowerBound * width..<rows.upperBound * width]).sorted()
      text += band.map { "#\($0)" + line(colors, width, rows, $0) }.joined(separator: "$") + "-"
    }
    return Array((text + "\u{1b}\\").utf8)
  }

  /// The color of each pixel.
  private static func indices(_ image: Image) -> [Int] {
    (0..<image.width * image.height).map { pixel in
      let threshold = bayer[pixel / image.width % 4 * 4 + pixel % image.width % 4]
      return (0..<3).reduce(0) { index, channel in
        let value = Int(image.pixels[3 * pixel + channel]) * (levels - 1) * 16 + threshold * 255
        return index * levels + min(levels - 1, value / (255 * 16))
      }
    }
  }

  /// The sixels of one color in a band, equal ones as a count: `!12~`.
  private static func line(_ colors: [Int], _ width: Int, _ rows: Range<Int>, _ color: Int) -> String {
    var (text, last, count) = ("", 0, 0)
    func flush() {
      let character = Character(Unicode.Scalar(UInt8(63 + last)))
      text += count > 3 ? "!\(count)\(character)" : String(repeating: character, count: count)
    }
    for x in 0..<width {
      let bits = rows.enumerated().reduce(0) { colors[$1.element * width + x] == color ? $0 | 1 << $1.offset : $0 }
      if bits == last {
        count += 1
      } else {
        flush()
        (last, count) = (bits, 1)
      }
    }
    if last != 0 { flush() }
    return text
  }
}
