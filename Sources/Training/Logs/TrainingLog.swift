import Foundation

/// What a run says: a line of JSON per report in `log.jsonl`, the same in a TensorBoard event file, and one line on the
/// terminal that is rewritten.
final class TrainingLog {
  private let file: FileHandle
  private let events: EventFile
  private let started = Date()
  private var lastReport = Date()
  private var lastStep: Int
  private let total: Int
  private let quiet: Bool
  private var sums: [String: (sum: Double, count: Int)] = [:]

  /// Opens the log and drops lines of steps after `step`, which a resumed run makes again.
  init(folder: URL, step: Int, total: Int, quiet: Bool) throws {
    let url = folder.appendingPathComponent("log.jsonl")
    let old = (try? String(contentsOf: url, encoding: .utf8)) ?? ""
    let kept = old.split(separator: "\n").filter { line in
      let fields = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      return (fields?["step"] as? Int).map { $0 <= step } ?? false
    }
    try Data(kept.map { $0 + "\n" }.joined().utf8).write(to: url)
    file = try FileHandle(forWritingTo: url)
    try file.seekToEnd()
    events = try EventFile(folder: folder, step: step)
    lastStep = step
    self.total = total
    self.quiet = quiet
  }

  /// Adds a step's numbers; about every five seconds their means are reported, with those of `late`, which is asked then.
  func add(
    _ values: [String: Double], stage: String, step: Int, late: () throws -> [String: Double] = { [:] }
  ) throws {
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
    let fields = means.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\(rounded($0.value))" }.joined(
      separator: ",")
    let line =
      "{\"step\":\(step),\"stage\":\"\(stage)\",\"stepsPerSecond\":\(rounded(speed)),"
      + "\"seconds\":\(rounded(now.timeIntervalSince(started))),\(fields)}\n"
    try file.write(contentsOf: Data(line.utf8))
    try events.add(means.merging(["stepsPerSecond": speed]) { mean, _ in mean }, step: step)
    if !quiet {
      let numbers = means.sorted { $0.key < $1.key }.map { "\($0.key) \(rounded($0.value))" }.joined(
        separator: "  ")
      let left = speed > 0 ? Int(Double(total - step) / speed) : 0
      let text = "\(stage) \(step)/\(total)  \(numbers)  \(rounded(speed)) steps/s  \(clock(left)) left"
      let end = isatty(2) == 1 ? "\u{1B}[K\r" : "\n"
      FileHandle.standardError.write(Data((text + end).utf8))
    }
    sums = [:]
    (lastReport, lastStep) = (now, step)
  }

  /// Adds a sentence about the run, which is also shown.
  func say(_ note: String, stage: String, step: Int) throws {
    try file.write(contentsOf: Data("{\"step\":\(step),\"stage\":\"\(stage)\",\"note\":\"\(note)\"}\n".utf8))
    if !quiet { FileHandle.standardError.write(Data("\(note)\n".utf8)) }
  }

  /// Shows a picture of the run as it is.
  func add(_ name: String, png: [UInt8], width: Int, height: Int, step: Int) throws {
    try events.add(name, png: png, width: width, height: height, step: step)
  }

  private func rounded(_ value: Double) -> String { String(format: "%.4g", value) }

  private func clock(_ seconds: Int) -> String {
    seconds >= 3600
      ? "\(seconds / 3600) h \(seconds % 3600 / 60) min" : "\(seconds / 60) min \(seconds % 60) s"
  }
}
