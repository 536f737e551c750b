import Foundation
import Testing

@testable import Images

@Suite struct TerminalImageTests {
  /// A wide image: red above, blue below.
  private let image = Image(
    width: 40, height: 20, channels: .rgb,
    pixels: (0..<800).flatMap { $0 < 400 ? [200, 0, 0] as [UInt8] : [0, 0, 255] })

  private func text(_ graphics: TerminalGraphics, columns: Int = 20, rows: Int = 10) throws -> String {
    let shown = try TerminalImage(image, as: graphics, columns: columns, rows: rows, number: 7)
    return String(decoding: shown.bytes, as: UTF8.self)
  }

  @Test func anImageKeepsItsProportionsInCellsTwiceAsHighAsWide() {
    #expect(TerminalArea(of: image, columns: 20, rows: 10) == TerminalArea(columns: 20, rows: 5))
    #expect(TerminalArea(of: image, columns: 80, rows: 10) == TerminalArea(columns: 40, rows: 10))
    #expect(TerminalArea(of: image, columns: 0, rows: -3) == TerminalArea(columns: 1, rows: 1))
  }

  @Test func halfBlocksShowTwoPixelsACharacter() throws {
    let two = Image(width: 2, height: 2, channels: .rgb, pixels: [200, 0, 0, 200, 0, 0, 0, 0, 255, 0, 0, 255])
    func text(color: Bool) throws -> String {
      let shown = try TerminalImage(two, as: .blocks, columns: 2, rows: 8, hasTrueColor: color)
      return String(decoding: shown.bytes, as: UTF8.self)
    }
    #expect(try text(color: true) == "\u{1b}[38;2;200;0;0m\u{1b}[48;2;0;0;255m▀▀\u{1b}[0m\n\r")
    #expect(try text(color: false) == "\u{1b}[38;5;160m\u{1b}[48;5;21m▀▀\u{1b}[0m\n\r")
  }

  @Test func theNearestColorOfThePaletteIsFound() {
    #expect(TerminalImage.paletteIndex(0, 0, 0) == 16 && TerminalImage.paletteIndex(255, 255, 255) == 231)
    #expect(TerminalImage.paletteIndex(128, 128, 128) == 244 && TerminalImage.paletteIndex(96, 0, 254) == 57)
  }

  /// The chunks of kitty's protocol put together, and the keys of the first.
  @Test func kittyGetsThePNGInChunksAndItsAreaInCells() throws {
    var noise: UInt64 = 1
    let pixels = (0..<3 * 64 * 64).map { _ in
      noise = noise &* 6_364_136_223_846_793_005 &+ 1
      return UInt8(truncatingIfNeeded: noise >> 56)
    }
    let image = Image(width: 64, height: 64, channels: .rgb, pixels: pixels)
    let shown = try TerminalImage(image, as: .kitty, columns: 10, rows: 10, number: 7)
    let text = String(decoding: shown.bytes, as: UTF8.self)
    let chunks = text.components(separatedBy: "\u{1b}_G").dropFirst().map {
      $0.components(separatedBy: "\u{1b}\\")[0].components(separatedBy: ";")
    }
    #expect(chunks.count > 3 && chunks.allSatisfy { $0[1].utf8.count <= 4096 })
    #expect(chunks[0][0] == "a=T,f=100,i=7,p=1,q=2,C=1,c=10,r=5,m=1")
    #expect(chunks.dropFirst().dropLast().allSatisfy { $0[0] == "m=1,q=2" } && chunks.last?[0] == "m=0,q=2")
    let data = try #require(Data(base64Encoded: chunks.map { $0[1] }.joined()))
    #expect(try PNG.decode([UInt8](data)) == image)
    #expect(text.hasPrefix("\n\n\n\n\n\r\u{1b}[5A") && text.hasSuffix("\u{1b}[5B\r"))
  }

  @Test func itermGetsThePNGInOneSequence() throws {
    let parts = try text(.iterm).components(separatedBy: "\u{1b}]1337;File=")
    let (keys, rest) = (parts[1].components(separatedBy: ":")[0], parts[1].components(separatedBy: ":")[1])
    let data = try #require(Data(base64Encoded: rest.components(separatedBy: "\u{07}")[0]))
    #expect(keys == "inline=1;width=20;height=5;preserveAspectRatio=1;size=\(data.count)")
    #expect(try PNG.decode([UInt8](data)) == image)
    #expect(parts[0].hasSuffix("\u{1b}7") && rest.hasSuffix("\u{07}\u{1b}8\u{1b}[5B\r"))
  }

  /// What a terminal makes of the sixels: `!` repeats, `$` goes back, `-` goes six rows down.
  private func pixels(ofSixels text: String, width: Int, height: Int) throws -> [[Int]] {
    let body = text.components(separatedBy: "\u{1b}P0;1;0q\"1;1;\(width);\(height)")[1]
      .components(separatedBy: "\u{1b}\\")[0]
    var colors: [Int: [Int]] = [:]
    var image = [[Int]](repeating: [], count: width * height)
    var (x, top, color, rest) = (0, 0, 0, Substring(body))
    func number() -> Int {
      let digits = rest.prefix { $0.isNumber }
      rest = rest.dropFirst(digits.count)
      return Int(digits) ?? -1
    }
    while let character = rest.popFirst() {
      switch character {
      case "#":
        color = number()
        guard rest.hasPrefix(";2;") else { continue }
        rest = rest.dropFirst(3)
        colors[color] = [number()]
        for _ in 0..<2 {
          rest = rest.dropFirst()
          colors[color]?.append(number())
        }
      case "$": x = 0
      case "-": (x, top) = (0, top + 6)
      default:
        let count = character == "!" ? number() : 1
        let bits = Int(try #require((character == "!" ? rest.popFirst() : character)?.asciiValue)) - 63
        for column in x..<x + count {
          for row in 0..<6 where bits >> row & 1 == 1 { image[(top + row) * width + column] = colors[color] ?? [] }
        }
        x += count
      }
    }
    return image
  }

  @Test func sixelsColorEveryPixelOnce() throws {
    let text = try text(.sixel)
    let pixels = try pixels(ofSixels: text, width: 200, height: 100)
    #expect(pixels.allSatisfy { $0.count == 3 })
    let red = pixels[..<(200 * 40)].map { $0[0] }.reduce(0, +) / 8000
    #expect((76...80).contains(red), "200 of 255 are 78 %")
    #expect(pixels[(200 * 70)...].allSatisfy { $0 == [0, 0, 100] })
  }

  @Test func onlyAnImageOfKittyCanBeTakenOff() {
    let removals = TerminalGraphics.allCases.map {
      String(decoding: TerminalImage.removal(of: 7, as: $0), as: UTF8.self)
    }
    #expect(removals == ["\u{1b}_Ga=d,d=I,i=7,q=2\u{1b}\\", "", "", ""])
  }

  /// A drawing that ends anywhere is followed by the end of a string, plain colors, and the line below.
  @Test func textFollowsBelowADrawingThatWasBrokenOff() {
    let bytes = TerminalImage.breakingOff(over: TerminalArea(of: image, columns: 20, rows: 10))
    #expect(String(decoding: bytes, as: UTF8.self) == "\u{1b}\\\u{1b}[0m\u{1b}[5B\r\n")
  }

  @Test func goingUpLeadsToTheFirstLine() {
    #expect(TerminalImage.goingUp(over: TerminalArea(of: image, columns: 20, rows: 10)) == Array("\r\u{1b}[5A".utf8))
  }

  @Test(arguments: [
    (["TERM": "xterm-kitty"], TerminalGraphics.kitty), (["TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"], .kitty),
    (["TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"], .kitty),
    (["TERM": "xterm", "LC_TERMINAL": "iTerm2"], .iterm),
    (["TERM": "xterm", "TERM_PROGRAM": "vscode"], .iterm), (["TERM": "xterm-256color"], .blocks),
    (["TERM": "tmux-256color", "TMUX": "/tmp/x", "KITTY_WINDOW_ID": "1"], .blocks),
  ]) func terminalsAreKnownByTheirVariables(_ environment: [String: String], _ expected: TerminalGraphics) {
    #expect(TerminalGraphics(environment: environment) == expected)
  }

  @Test func aDumbTerminalShowsNothing() {
    #expect(TerminalGraphics(environment: ["TERM": "dumb"]) == nil && TerminalGraphics(environment: [:]) == nil)
  }
}
