import Foundation

/// How far a call is and how long it still takes, on one line of standard error; nothing when that is no terminal.
final class StepProgress {
  private let pictures: Int
  private let unit: String
  private let isShown: Bool
  private let started = Date()

  /// `unit` is what a step is called.
  init(pictures: Int, quiet: Bool, unit: String = "step") {
    self.pictures = pictures
    self.unit = unit
    isShown = !quiet && isatty(2) == 1
  }

  /// Says that a step is done; picture and step count from 0.
  func show(picture: Int, step: Int, of count: Int) {
    guard isShown else { return }
    let share = (Double(picture) + Double(step + 1) / Double(count)) / Double(pictures)
    let elapsed = Date().timeIntervalSince(started)
    let left = elapsed / share * (1 - share)
    let filled = Int(share * 24)
    let bar = String(repeating: "━", count: filled) + String(repeating: "─", count: 24 - filled)
    let which = pictures > 1 ? "picture \(picture + 1) of \(pictures), " : ""
    write("\r\u{1B}[K\(bar) \(which)\(unit) \(step + 1) of \(count), \(clock(left)) left")
  }

  /// Takes the line away.
  func clear() { if isShown { write("\r\u{1B}[K") } }

  private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }

  private func clock(_ seconds: Double) -> String {
    seconds < 60 ? "\(Int(seconds.rounded(.up))) s" : "\(Int(seconds) / 60) min \(Int(seconds) % 60) s"
  }
}
