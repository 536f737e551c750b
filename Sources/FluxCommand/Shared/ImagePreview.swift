import ArgumentParser
import Diffusion
import Flux
import Foundation
import Images
import Support

/// A value of `--preview`.
enum PreviewMode: String, CaseIterable, ExpressibleByArgument {
  case auto, kitty, iterm, sixel, blocks, none

  /// The graphics of the terminal behind standard error; nil where nothing is shown.
  var graphics: TerminalGraphics? {
    guard self != .none, isatty(STDERR_FILENO) == 1 else { return nil }
    return self == .auto
      ? TerminalGraphics(environment: ProcessInfo.processInfo.environment) : TerminalGraphics(rawValue: rawValue)
  }
}

/// Shows images in the terminal, those of unfinished steps in place of each other.
final class ImagePreview {
  private let graphics: TerminalGraphics
  private let hasTrueColor: Bool
  private let clock = ContinuousClock()
  private var began: ContinuousClock.Instant
  private var spent = Duration.zero
  private var longest = Duration.zero
  private var shown: TerminalArea?  // of the image that the next one replaces
  private var number = Int(getpid())

  /// The most of the time that goes into unfinished images.
  private static let share = 5
  /// The longer side of what is sent, in pixels.
  private static let side = 256
  /// The most rows of the terminal that an image takes.
  private static let rows = 18

  /// Nil where the terminal shows nothing.
  init?(_ mode: PreviewMode) {
    guard let graphics = mode.graphics else { return nil }
    self.graphics = graphics
    let depth = ProcessInfo.processInfo.environment["COLORTERM"] ?? ""
    hasTrueColor = ["truecolor", "24bit"].contains(depth)
    began = clock.now
  }

  /// Shows the estimate of a step, if that keeps previews under a fifth of the time.
  func show(_ step: DenoisingStep, of pipeline: Pipeline) {
    let elapsed = clock.now - began
    let isCheap = (spent + longest) * Self.share < elapsed && elapsed > .milliseconds(200)
    guard isCheap, step.index + 1 < step.count else { return }
    let start = clock.now
    if let image = try? pipeline.decodeLatents(step.clean[0..<1])[0] { draw(image) }
    let seconds = clock.now - start
    (spent, longest) = (spent + seconds, max(longest, seconds))
  }

  /// Shows a finished image; the next one comes below it.
  func finish(_ image: Image) {
    draw(image)
    (shown, number) = (nil, number + 1)
    (began, spent) = (clock.now, .zero)
  }

  /// Leaves what is shown, after a drawing that was not finished.
  func abandon() { (shown, number, began, spent) = (nil, number + 1, clock.now, .zero) }

  private func draw(_ image: Image) {
    let factor = min(1, Double(Self.side) / Double(max(image.width, image.height)))
    let small =
      factor == 1
      ? image
      : image.resized(
        width: max(1, Int(Double(image.width) * factor)), height: max(1, Int(Double(image.height) * factor)),
        filter: .lanczos)
    let frame = try? TerminalImage(
      small, as: graphics, columns: Console.columns - 1, rows: min(Self.rows, Console.rows - 3),
      hasTrueColor: hasTrueColor, number: number)
    guard let frame else { return }
    Console.draw((shown.map(TerminalImage.goingUp) ?? []) + frame.bytes)
    shown = frame.area
  }
}
