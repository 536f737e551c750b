import Foundation
import Support

/// A progress line on standard error with the remaining time; nothing if that is not a terminal.
final class ProgressLine {
  private let isShown: Bool
  private let started = Date()

  init(quiet: Bool) { isShown = !quiet && Console.rewritesLines }

  /// Shows a progress bar, the text and the time left; no bar on narrow terminals.
  func show(_ share: Double, _ text: @autoclosure () -> String) {
    guard isShown, share > 0 else { return }
    let left = Date().timeIntervalSince(started) / share * (1 - share)
    let filled = Int(share * 24)
    let bar = String(repeating: "━", count: filled) + String(repeating: "─", count: 24 - filled)
    Console.status((Console.columns < 60 ? "" : bar + " ") + "\(text()), \(clock(left)) left")
  }

  /// Takes the line away.
  func clear() { if isShown { Console.clearStatus() } }

  private func clock(_ seconds: Double) -> String {
    seconds < 60 ? "\(Int(seconds.rounded(.up))) s" : "\(Int(seconds) / 60) min \(Int(seconds) % 60) s"
  }
}

/// Progress over a number of items.
struct CountProgress {
  private let count: Int
  private let noun: String
  private let line: ProgressLine

  init(count: Int, noun: String, quiet: Bool) {
    self.count = count
    self.noun = noun
    line = ProgressLine(quiet: quiet)
  }

  /// Shows how many are done.
  func show(_ done: Int) { line.show(Double(done) / Double(count), "\(done) of \(count) \(noun)") }

  /// Takes the line away.
  func clear() { line.clear() }
}

/// Progress over images and sampling steps.
struct StepProgress {
  private let images: Int
  private let line: ProgressLine

  init(images: Int, quiet: Bool) {
    self.images = images
    line = ProgressLine(quiet: quiet)
  }

  /// Shows that a step is done for an image; image and step count from 0.
  func show(image: Int, step: Int, of count: Int, seed: UInt64? = nil) {
    show(images: image..<image + 1, step: step, of: count, seed: seed)
  }

  /// Shows that a step is done for images that are drawn together.
  func show(images these: Range<Int>, step: Int, of count: Int, seed: UInt64? = nil) {
    let share = (Double(these.lowerBound) + Double(these.count * (step + 1)) / Double(count)) / Double(images)
    let last = these.count > 1 ? "-\(these.upperBound)" : ""
    let which = images > 1 ? "image \(these.lowerBound + 1)\(last) of \(images), " : ""
    let noise = seed.map { "seed \($0), " } ?? ""
    line.show(share, "\(which)\(noise)step \(step + 1) of \(count)")
  }

  /// Takes the line away.
  func clear() { line.clear() }
}
