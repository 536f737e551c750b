import Foundation
import Images
import Support

/// The terminal behind standard error as a place for images, an unfinished one in place of the one before.
///
/// Before a signal ends the program, it takes an unfinished image off the screen where the terminal can do that, and else
/// goes below it.
final class TerminalScreen {
  private let graphics: TerminalGraphics
  private let hasTrueColor: Bool
  private var shown: TerminalArea?  // of the image that the next one replaces
  private var number = Int(getpid())

  /// The most of an image: the longer side of what is sent, in pixels, and rows of the terminal.
  struct Extent {
    let side: Int
    let rows: Int

    /// That of an image.
    static let image = Extent(side: 256, rows: 18)
    /// That of a contact sheet.
    static let sheet = Extent(side: 1024, rows: .max)
  }

  init(_ graphics: TerminalGraphics) {
    self.graphics = graphics
    hasTrueColor = ["truecolor", "24bit"].contains(ProcessInfo.processInfo.environment["COLORTERM"] ?? "")
  }

  /// Shows an image in place of the last one, unless that was kept.
  func draw(_ image: Image, extent: Extent = .image) {
    let factor = min(1, Double(extent.side) / Double(max(image.width, image.height)))
    let small =
      factor == 1
      ? image
      : image.resized(
        width: max(1, Int(Double(image.width) * factor)), height: max(1, Int(Double(image.height) * factor)),
        filter: .lanczos)
    let frame = try? TerminalImage(
      small, as: graphics, columns: Console.columns - 1, rows: min(extent.rows, Console.rows - 3),
      hasTrueColor: hasTrueColor, number: number)
    guard let frame else { return }
    let removal = TerminalImage.removal(of: number, as: graphics)
    Interruption.restoreTerminal(with: TerminalImage.breakingOff(over: frame.area) + removal)
    Interruption.whileDrawing { Console.draw((shown.map(TerminalImage.goingUp) ?? []) + frame.bytes) }
    Interruption.restoreTerminal(with: removal)
    shown = frame.area
  }

  /// Lets the image stay; the next one comes below it.
  func keep() {
    Interruption.restoreTerminal(with: [])
    (shown, number) = (nil, number + 1)
  }

  /// Takes an unfinished image off, where the terminal can do that.
  func remove() {
    if shown != nil { Console.draw(TerminalImage.removal(of: number, as: graphics)) }
    keep()
  }
}
