import Foundation
import Support

/// The log of a run: JSON lines in `log.jsonl`, the same metrics in a TensorBoard event file, and a status line on the
/// terminal.
///
/// The file is append-only. A run that continues from an earlier step adds a note, and then repeats the steps from there
/// on: the last line of a step counts.
public final class TrainingLog {
  private let files: (lines: AppendFile, events: EventFile)?  // nil in processes that write nothing
  private let started = Date()
  private var lastReport = Date()
  private var lastStep: Int
  private let total: Int
  private let quiet: Bool
  private var sums: [String: (sum: Double, count: Int)] = [:]

  /// Opens the log of a run that continues after `step`; without a folder nothing is written.
  init(folder: URL?, step: Int, total: Int, quiet: Bool) throws {
    files = try folder.map { folder in
      let lines = try AppendFile(folder.appendingPathComponent("log.jsonl"), completingLine: true)
      return (lines, try EventFile(folder: folder, step: step))
    }
    lastStep = step
    self.total = total
    self.quiet = quiet
  }

  /// Adds the metrics of a step.
  ///
  /// About every five seconds their means are reported, with the metrics that `late` returns.
  func add(
    _ values: [String: Double], stage: String, step: Int, late: () throws -> [String: Double] = { [:] }
  ) throws {
    guard let files else { return }
    for (key, value) in values {
      let old = sums[key] ?? (0, 0)
      sums[key] = (old.sum + value, old.count + 1)
    }
    guard Date().timeIntervalSince(lastReport) >= 5 || step == total else { return }
    for (key, value) in try late() { sums[key] = (value, 1) }
    let now = Date()  // reading waits for the device
    let elapsed = now.timeIntervalSince(lastReport)
    let speed = Double(step - lastStep) / elapsed
    let means = sums.mapValues { $0.sum / Double($0.count) }
    // JSON has no number that is not finite; one such metric must not cost the others of its line.
    let fields = means.sorted { $0.key < $1.key }.map {
      ",\"\($0.key)\":\($0.value.isFinite ? rounded($0.value) : "null")"
    }
    let line =
      "{\"step\":\(step),\"stage\":\"\(stage)\",\"stepsPerSecond\":\(rounded(speed)),"
      + "\"seconds\":\(rounded(now.timeIntervalSince(started)))\(fields.joined())}\n"
    try files.lines.write(Array(line.utf8))
    try files.events.add(means.merging(["stepsPerSecond": speed]) { mean, _ in mean }, step: step)
    if !quiet {
      let numbers = means.sorted { $0.key < $1.key }.map { "\($0.key) \(rounded($0.value))" }.joined(
        separator: "  ")
      let left = speed > 0 ? Int(Double(total - step) / speed) : 0
      let text = "\(stage) \(step)/\(total)  \(numbers)  \(rounded(speed)) steps/s  \(clock(left)) left"
      if Console.rewritesLines { Console.status(text) } else { Console.say(text) }
    }
    sums = [:]
    (lastReport, lastStep) = (now, step)
  }

  /// Adds a note about the run, which is also printed.
  public func say(_ note: String, stage: String, step: Int) throws {
    guard let files else { return }
    try files.lines.write(Array("{\"step\":\(step),\"stage\":\"\(stage)\",\"note\":\"\(note)\"}\n".utf8))
    if !quiet { Console.say(note) }
  }

  /// Adds an image to TensorBoard.
  public func add(_ name: String, png: [UInt8], width: Int, height: Int, step: Int) throws {
    try files?.events.add(name, png: png, width: width, height: height, step: step)
  }

  private func rounded(_ value: Double) -> String { String(format: "%.4g", value) }

  private func clock(_ seconds: Int) -> String {
    seconds >= 3600
      ? "\(seconds / 3600) h \(seconds % 3600 / 60) min" : "\(seconds / 60) min \(seconds % 60) s"
  }
}
