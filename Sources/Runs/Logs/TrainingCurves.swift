import Foundation

/// The metrics of a run's `log.jsonl`, as one curve per metric.
public struct TrainingCurves: Sendable {
  /// A value over the steps, in order.
  public struct Curve: Sendable, Equatable {
    /// Name of the metric, as in the log.
    public let name: String
    /// Values of the metric, in order of their steps.
    public internal(set) var points: [Point]
  }

  /// A value of a metric at a step.
  public struct Point: Sendable, Equatable {
    /// Steps done when the value was logged.
    public let step: Int
    /// The finite value, in the metric's own unit.
    public let value: Double
  }

  /// A stage and its first and last reported step.
  public struct StageSpan: Sendable, Equatable {
    /// Name of the stage, as in the log.
    public let name: String
    /// First and last step that the log has of the stage.
    public internal(set) var steps: ClosedRange<Int>
  }

  /// The curves in order of appearance; those that begin at the same step are ordered by name.
  public private(set) var curves: [Curve] = []
  /// The stages in the order of the run.
  public private(set) var stages: [StageSpan] = []

  /// Fields of a line that are not metrics.
  private static let others: Set<String> = ["step", "stage", "seconds"]

  /// Old names of metrics, in logs of earlier versions.
  private static let renamed = [
    "participation": "effectiveRank", "detail": "withinImageVariance", "variation": "totalVariation",
    "decibels": "psnr", "waiting": "dataWait", "captions": "captionGap", "names": "alignment",
    "textNames": "textAlignment", "latentNames": "latentAlignment",
  ]

  /// Reads the log of a run's folder.
  public init(run folder: URL) throws(RunError) {
    let url = folder.appendingPathComponent("log.jsonl")
    guard let data = FileManager.default.contents(atPath: url.path) else { throw .noLog(url.path) }
    self.init(log: String(decoding: data, as: UTF8.self))
    if curves.isEmpty { throw .noLog(url.path) }
  }

  /// Reads lines of JSON; invalid lines (the end of the log of a killed run) are skipped.
  ///
  /// Of steps that a run repeated after an interruption, the last measurement counts.
  public init(log: String) {
    var places: [String: Int] = [:]
    for line in log.split(separator: "\n") {
      guard let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)),
        let fields = object as? [String: Any], let step = (fields["step"] as? NSNumber).flatMap(Self.step)
      else { continue }
      forget(after: fields["note"] == nil ? step - 1 : step)
      if let stage = fields["stage"] as? String { extend(stage, step) }
      for (name, value) in fields.sorted(by: { $0.key < $1.key }) where !Self.others.contains(name) {
        guard let value = (value as? NSNumber)?.doubleValue, value.isFinite else { continue }
        let name = Self.renamed[name] ?? name
        let place = places[name] ?? curves.count
        if place == curves.count {
          places[name] = place
          curves.append(Curve(name: name, points: []))
        }
        curves[place].points.append(Point(step: step, value: value))
      }
    }
  }

  /// Drops the metrics after a step.
  private mutating func forget(after step: Int) {
    for index in curves.indices {
      while let last = curves[index].points.last, last.step > step { curves[index].points.removeLast() }
    }
    while let last = stages.last, last.steps.lowerBound > max(step, 0) { stages.removeLast() }
    if let last = stages.last, last.steps.upperBound > step, last.steps.lowerBound <= step {
      stages[stages.count - 1].steps = last.steps.lowerBound...step
    }
  }

  /// A valid step: an integer of at least 0.
  private static func step(_ number: NSNumber) -> Int? {
    Int(exactly: number.doubleValue).flatMap { $0 < 0 ? nil : $0 }
  }

  private mutating func extend(_ stage: String, _ step: Int) {
    if let last = stages.last, last.name == stage {
      stages[stages.count - 1].steps = last.steps.lowerBound...max(last.steps.lowerBound, step)
    } else {
      stages.append(StageSpan(name: stage, steps: step...step))
    }
  }
}

extension TrainingCurves.Curve {
  /// The curve as at most `count` points, each a mean of consecutive points.
  func smoothed(to count: Int) -> [TrainingCurves.Point] {
    guard points.count > count, count > 0 else { return points }
    return (0..<count).map { index in
      let part = points[index * points.count / count..<(index + 1) * points.count / count]
      let mean = part.reduce(0) { $0 + $1.value / Double(part.count) }  // a sum of all might overflow
      return TrainingCurves.Point(step: part[part.startIndex + part.count / 2].step, value: mean)
    }
  }
}
