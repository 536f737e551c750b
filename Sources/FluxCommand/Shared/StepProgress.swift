/// The progress of pictures that are drawn in steps.
struct StepProgress {
  private let pictures: Int
  private let line: ProgressLine

  init(pictures: Int, quiet: Bool) {
    self.pictures = pictures
    line = ProgressLine(quiet: quiet)
  }

  /// Says that a step is done; picture and step count from 0.
  func show(picture: Int, step: Int, of count: Int) {
    let share = (Double(picture) + Double(step + 1) / Double(count)) / Double(pictures)
    let which = pictures > 1 ? "picture \(picture + 1) of \(pictures), " : ""
    line.show(share, "\(which)step \(step + 1) of \(count)")
  }

  /// Takes the line away.
  func clear() { line.clear() }
}
