import Foundation

extension TrainingCurves {
  /// All curves as small panels over a common step axis on white; stages are shaded.
  public func svg() -> String {
    let rows = (curves.count + Panel.columns - 1) / Panel.columns
    let size = (width: Double(Panel.columns) * Panel.width, height: Double(rows) * Panel.height)
    let steps = 0...max(1, curves.flatMap(\.points).map(\.step).max() ?? 1)
    var parts = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(text(size.width)) \(text(size.height))\" "
        + "font-family=\"sans-serif\" font-size=\"11\">",
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
    ]
    for (index, curve) in curves.enumerated() {
      let x = Double(index % Panel.columns) * Panel.width
      let y = Double(index / Panel.columns) * Panel.height
      parts.append("<g transform=\"translate(\(text(x)) \(text(y)))\">")
      parts += Panel(curve: curve, steps: steps, stages: stages).elements
      parts.append("</g>")
    }
    return (parts + ["</svg>"]).joined(separator: "\n") + "\n"
  }
}

/// One curve with its axes.
private struct Panel {
  static let columns = 3
  static let width = 320.0
  static let height = 190.0

  let curve: TrainingCurves.Curve
  let steps: ClosedRange<Int>
  let stages: [TrainingCurves.StageSpan]

  private static let frame = (left: 46.0, right: 306.0, top: 26.0, bottom: 160.0)

  var elements: [String] {
    let points = curve.smoothed(to: 250)
    let ticks = Self.ticks(points.map(\.value))
    let (lowest, highest) = (ticks[0], max(ticks[ticks.count - 1], ticks[0] + 1e-12))
    let frame = Self.frame
    func x(_ step: Int) -> Double {
      frame.left + (frame.right - frame.left) * (Double(step) - Double(steps.lowerBound))
        / (Double(steps.upperBound) - Double(steps.lowerBound))
    }
    func y(_ value: Double) -> Double {
      let share = (value / 2 - lowest / 2) / (highest / 2 - lowest / 2)  // halves, whose difference is finite
      return frame.bottom - (frame.bottom - frame.top) * min(max(share, 0), 1)
    }
    var parts: [String] = []
    for (index, stage) in stages.enumerated() {
      let (left, right) = (x(stage.steps.lowerBound), x(stage.steps.upperBound))
      let shade = index.isMultiple(of: 2) ? "#f2f4f8" : "#e4e8f0"
      parts.append(
        "<rect x=\"\(text(left))\" y=\"\(text(frame.top))\" width=\"\(text(max(right - left, 0.5)))\" "
          + "height=\"\(text(frame.bottom - frame.top))\" fill=\"\(shade)\"><title>\(escaped(stage.name))</title></rect>"
      )
    }
    for tick in ticks {
      parts.append(
        "<line x1=\"\(text(frame.left))\" x2=\"\(text(frame.right))\" y1=\"\(text(y(tick)))\" y2=\"\(text(y(tick)))\" "
          + "stroke=\"#c8ccd4\" stroke-width=\"0.5\"/>")
      parts.append(label(text(tick), frame.left - 5, y(tick) + 4, "end"))
    }
    parts.append(label(curve.name, frame.left, frame.top - 8, "start", weight: "bold"))
    parts.append(label("0", frame.left, frame.bottom + 15, "start"))
    parts.append(label("\(steps.upperBound) steps", frame.right, frame.bottom + 15, "end"))
    let line = points.map { "\(text(x($0.step))),\(text(y($0.value)))" }.joined(separator: " ")
    parts.append("<polyline points=\"\(line)\" fill=\"none\" stroke=\"#2456c8\" stroke-width=\"1.3\"/>")
    return parts
  }

  private func label(_ words: String, _ x: Double, _ y: Double, _ anchor: String, weight: String = "normal") -> String {
    "<text x=\"\(text(x))\" y=\"\(text(y))\" text-anchor=\"\(anchor)\" font-weight=\"\(weight)\" fill=\"#303640\">"
      + "\(escaped(words))</text>"
  }

  /// About four round numbers that enclose the values, without the highest twentieth: the first steps of a run would
  /// dominate the scale.
  static func ticks(_ values: [Double]) -> [Double] {
    let sorted = values.sorted()
    guard let low = sorted.first else { return [0, 1] }
    let high = sorted[min(sorted.count * 19 / 20, sorted.count - 1)]
    let rough = max(high / 4 - low / 4, max(abs(high), 1e-9) * 1e-3)
    let magnitude = pow(10, floor(log10(rough)))
    let unit = [1, 2, 5, 10].first { $0 * magnitude >= rough } ?? 10
    let step = unit * magnitude
    let first = Int((low / step).rounded(.down))
    let last = max(Int((high / step).rounded(.up)), first + 1)
    let largest = Double.greatestFiniteMagnitude
    return (first...last).map { min(max(Double($0) * step, -largest), largest) }
  }
}

/// A number with four significant digits.
private func text(_ value: Double) -> String {
  String(format: "%.4g", abs(value) < 1e-9 ? 0 : value)
}

/// A name as XML text; characters not allowed in XML are replaced.
private func escaped(_ text: String) -> String {
  text.unicodeScalars.reduce(into: "") { result, scalar in
    switch scalar {
    case "&": result += "&amp;"
    case "<": result += "&lt;"
    case ">": result += "&gt;"
    case _ where scalar.value < 0x20 || scalar.value == 0xfffe || scalar.value == 0xffff: result += "\u{FFFD}"
    default: result.unicodeScalars.append(scalar)
    }
  }
}
