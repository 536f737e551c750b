import Diffusion
import Flux
import Foundation
import Images

/// Shows images while they are drawn and when they are finished, in the terminal or in a file.
final class ImagePreview {
  private let screen: TerminalScreen?
  private let file: PreviewFile?
  private let shows: (unfinished: Bool, finished: Bool)  // on the screen
  private let interval: Int?
  private let clock = ContinuousClock()
  private var began: ContinuousClock.Instant
  private var last: ContinuousClock.Instant
  private var spent = Duration.zero
  private var longest = Duration.zero

  /// The most of the time that goes into unfinished images.
  private static let share = 5
  /// The least time before the first unfinished image, and between two of them.
  private static let pause = (first: Duration.milliseconds(200), next: Duration.milliseconds(150))

  /// Nil where nothing is shown.
  ///
  /// - Parameters:
  ///   - mode: where unfinished images are shown, and what they become.
  ///   - interval: steps from one unfinished image to the next; nil leaves it to the time.
  ///   - finished: how finished images are shown if unfinished ones are not shown in a terminal.
  ///   - showsEach: whether these are all images, not only the contact sheet.
  init?(
    _ mode: PreviewMode, every interval: Int? = nil, finished: TerminalGraphics? = nil, showsEach: Bool = true
  ) {
    let isTerminal = isatty(STDERR_FILENO) == 1
    let unfinished = isTerminal ? mode.graphics(environment: ProcessInfo.processInfo.environment) : nil
    if case .file(let path) = mode { file = PreviewFile(path.url) } else { file = nil }
    screen = (unfinished ?? finished).map(TerminalScreen.init)
    shows = (unfinished != nil, unfinished != nil || showsEach)
    self.interval = interval
    (began, last) = (clock.now, clock.now)
    if screen == nil, file == nil { return nil }
  }

  /// Shows the estimate of a step when it is time for it: after `interval` steps, or when that keeps unfinished images under
  /// a fifth of the time.
  func show(_ step: DenoisingStep, of pipeline: Pipeline) {
    guard file != nil || shows.unfinished, step.index + 1 < step.count, isTime(for: step) else { return }
    let start = clock.now
    if let image = try? pipeline.previewImages(of: step.clean[0..<1])[0] {
      if shows.unfinished { screen?.draw(image) }
      file?.write { format throws in try format.encode(image) }
    }
    last = clock.now
    (spent, longest) = (spent + (last - start), max(longest, last - start))
  }

  private func isTime(for step: DenoisingStep) -> Bool {
    if let interval { return (step.index + 1) % interval == 0 }
    let now = clock.now
    let elapsed = now - began
    return (spent + longest) * Self.share < elapsed && elapsed > Self.pause.first && now - last > Self.pause.next
  }

  /// Shows a finished image, below which the next one comes; the file gets what `encode` makes of it.
  func finish(_ image: Image, encode: ((ImageFile) throws -> [UInt8])? = nil) {
    if shows.finished { screen?.draw(image) }
    screen?.keep()
    file?.write { format throws in try encode?(format) ?? format.encode(image) }
    restart()
  }

  /// Shows a contact sheet as large as the terminal is.
  func finish(sheet: Image) {
    screen?.draw(sheet, extent: .sheet)
    screen?.keep()
  }

  /// Takes what is unfinished off the terminal, after a drawing that was not finished.
  func abandon() {
    screen?.remove()
    restart()
  }

  private func restart() { (began, last, spent) = (clock.now, clock.now, .zero) }
}
