import Foundation
import Support

/// One line of standard error that says how far a call is and how long it still takes; nothing when that is no
/// terminal.
final class ProgressLine {
  private let isShown: Bool
  private let started = Date()

  init(quiet: Bool) { isShown = !quiet && Console.rewritesLines }

  /// A bar of the share that is done, what that is, and the time left; on a narrow terminal without the bar.
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

/// The progress of a number of equal things.
struct CountProgress {
  private let count: Int
  private let noun: String
  private let line: ProgressLine

  init(count: Int, noun: String, quiet: Bool) {
    self.count = count
    self.noun = noun
    line = ProgressLine(quiet: quiet)
  }

  /// Says how many are done.
  func show(_ done: Int) { line.show(Double(done) / Double(count), "\(done) of \(count) \(noun)") }

  /// Takes the line away.
  func clear() { line.clear() }
}

/// The progress of pictures that are drawn in steps.
struct StepProgress {
  private let pictures: Int
  private let line: ProgressLine

  init(pictures: Int, quiet: Bool) {
    self.pictures = pictures
    line = ProgressLine(quiet: quiet)
  }

  /// Says that a step is done; picture and step count from 0.
  func show(picture: Int, step: Int, of count: Int, seed: UInt64? = nil) {
    let share = (Double(picture) + Double(step + 1) / Double(count)) / Double(pictures)
    let which = pictures > 1 ? "picture \(picture + 1) of \(pictures), " : ""
    let noise = seed.map { "seed \($0), " } ?? ""
    line.show(share, "\(which)\(noise)step \(step + 1) of \(count)")
  }

  /// Takes the line away.
  func clear() { line.clear() }
}
