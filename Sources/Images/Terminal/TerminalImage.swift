import Foundation

/// An image as the bytes that show it in a terminal.
///
/// The bytes begin at the left of a line and end at the left of the line under the image, so that text can follow; the
/// cursor is neither hidden nor left elsewhere. Sent again after going up by `area.rows` they replace the image.
public struct TerminalImage: Sendable {
  /// The cells that the image takes.
  public let area: TerminalArea
  /// What the terminal is sent.
  public let bytes: [UInt8]

  /// An image in at most `columns` × `rows` cells.
  ///
  /// - Parameters:
  ///   - hasTrueColor: whether half blocks may have 24-bit colors instead of the 256 of a palette.
  ///   - number: a number above 0 by which kitty replaces the image in place.
  /// - Throws: where the image cannot be encoded as PNG, for kitty and iTerm2.
  public init(
    _ image: Image, as graphics: TerminalGraphics, columns: Int, rows: Int, hasTrueColor: Bool = true, number: Int = 1
  ) throws(ImageError) {
    area = TerminalArea(of: image, columns: columns, rows: rows)
    switch graphics {
    case .kitty: bytes = try Self.over(area, Self.kitty(image, area, number))
    case .iterm: bytes = try Self.over(area, Self.iterm(image, area), keepsCursor: true)
    case .sixel: bytes = Self.over(area, Sixel.encode(image, area), keepsCursor: true)
    case .blocks: bytes = Self.blocks(image, area, hasTrueColor)
    }
  }

  /// The bytes that go back to the first line of an image of that area.
  public static func goingUp(over area: TerminalArea) -> [UInt8] { Array("\r\u{1b}[\(area.rows)A".utf8) }

  /// The bytes that take the image of a number off the screen; none but kitty's can be taken off, and text stays where it is.
  public static func removal(of number: Int, as graphics: TerminalGraphics) -> [UInt8] {
    graphics == .kitty ? Array("\u{1b}_Ga=d,d=I,i=\(number),q=2\u{1b}\\".utf8) : []
  }

  /// The bytes after which text follows below an image of that area of whose bytes the terminal got any part.
  ///
  /// A string of any protocol ends with ST, which has no effect elsewhere, and the cursor goes down by as many rows as it
  /// can be above the end: there may be empty ones between.
  public static func breakingOff(over area: TerminalArea) -> [UInt8] {
    Array("\u{1b}\\\u{1b}[0m\u{1b}[\(area.rows)B\r\n".utf8)
  }

  /// Makes room, draws from its top left and goes below: at the end of the screen the terminal scrolls first.
  private static func over(_ area: TerminalArea, _ drawing: [UInt8], keepsCursor: Bool = false) -> [UInt8] {
    let (save, restore) = keepsCursor ? ("\u{1b}7", "\u{1b}8") : ("", "")
    return Array((String(repeating: "\n", count: area.rows) + "\r\u{1b}[\(area.rows)A" + save).utf8) + drawing
      + Array((restore + "\u{1b}[\(area.rows)B\r").utf8)
  }

  // MARK: - Protocols

  /// The most characters of base64 in one escape sequence of kitty.
  private static let kittyChunk = 4096

  /// PNG in chunks; the terminal answers nothing (q=2), and the cursor stays (C=1).
  private static func kitty(_ image: Image, _ area: TerminalArea, _ number: Int) throws(ImageError) -> [UInt8] {
    let data = try Array(Data(PNG.encode(image)).base64EncodedString().utf8)
    var bytes: [UInt8] = []
    for start in stride(from: 0, to: data.count, by: kittyChunk) {
      let end = min(start + kittyChunk, data.count)
      let more = end < data.count ? 1 : 0
      let keys =
        start == 0
        ? "a=T,f=100,i=\(number),p=1,q=2,C=1,c=\(area.columns),r=\(area.rows),m=\(more)" : "m=\(more),q=2"
      bytes += Array("\u{1b}_G\(keys);".utf8) + data[start..<end] + [0x1b, 0x5c]
    }
    return bytes
  }

  private static func iterm(_ image: Image, _ area: TerminalArea) throws(ImageError) -> [UInt8] {
    let png = try PNG.encode(image)
    let keys = "inline=1;width=\(area.columns);height=\(area.rows);preserveAspectRatio=1;size=\(png.count)"
    return Array("\u{1b}]1337;File=\(keys):\(Data(png).base64EncodedString())\u{07}".utf8)
  }

  /// Upper half blocks: the foreground is the upper pixel, the background the lower one.
  private static func blocks(_ image: Image, _ area: TerminalArea, _ hasTrueColor: Bool) -> [UInt8] {
    let small = image.asRGB.resized(width: area.columns, height: 2 * area.rows, filter: .lanczos)
    func color(_ x: Int, _ y: Int) -> String {
      let at = 3 * (y * small.width + x)
      let (r, g, b) = (Int(small.pixels[at]), Int(small.pixels[at + 1]), Int(small.pixels[at + 2]))
      return hasTrueColor ? "2;\(r);\(g);\(b)" : "5;\(paletteIndex(r, g, b))"
    }
    var text = ""
    for row in 0..<area.rows {
      var last = ("", "")
      for x in 0..<area.columns {
        let (upper, lower) = (color(x, 2 * row), color(x, 2 * row + 1))
        if upper != last.0 { text += "\u{1b}[38;\(upper)m" }
        if lower != last.1 { text += "\u{1b}[48;\(lower)m" }
        last = (upper, lower)
        text += "▀"
      }
      text += "\u{1b}[0m\n\r"
    }
    return Array(text.utf8)
  }

  /// The nearest of the 216 colors and 24 grays of xterm's palette.
  static func paletteIndex(_ r: Int, _ g: Int, _ b: Int) -> Int {
    let levels = [0, 95, 135, 175, 215, 255]
    func nearest(_ value: Int) -> Int { levels.indices.min { abs(levels[$0] - value) < abs(levels[$1] - value) } ?? 0 }
    func distance(_ x: Int, _ y: Int, _ z: Int) -> Int { (x - r) * (x - r) + (y - g) * (y - g) + (z - b) * (z - b) }
    let (i, j, k) = (nearest(r), nearest(g), nearest(b))
    let gray = min(23, max(0, ((r + g + b) / 3 - 3) / 10))
    let level = 8 + 10 * gray
    let isGrayNearer = distance(level, level, level) < distance(levels[i], levels[j], levels[k])
    return isGrayNearer ? 232 + gray : 16 + 36 * i + 6 * j + k
  }
}
