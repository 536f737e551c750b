import Foundation

/// One line over an axis, as a part of an SVG document.
public struct PlotPanel: Sendable {
  /// A number over another.
  public struct Point: Sendable, Equatable {
    /// Place on the horizontal axis.
    public let x: Double
    /// Height; numbers that are not finite are left out.
    public let y: Double

    /// A point.
    public init(x: Double, y: Double) { (self.x, self.y) = (x, y) }
  }

  /// A part of the horizontal axis with a name, which appears where the pointer is.
  struct Span: Sendable {
    let name: String
    let range: ClosedRange<Double>
  }

  let title: String
  let points: [Point]
  let range: ClosedRange<Double>
  let labels: (first: String, last: String)
  let spans: [Span]
  /// Whether the measured points are marked and numbered below the axis; the scale then begins at 0.
  let isMarked: Bool

  /// A line over all of `range`, such as a metric over the steps of a run, with labels of the axis' ends.
  init(
    _ title: String, _ points: [Point], over range: ClosedRange<Double>, labels: (first: String, last: String),
    spans: [Span]
  ) {
    (self.title, self.points, self.range, self.labels) = (title, points.filter(\.isFinite), range, labels)
    (self.spans, isMarked) = (spans, false)
  }

  /// A few measured points, each marked and named on the axis, whose scale begins at 0.
  public init(_ title: String, measured points: [Point], unit: String) {
    let finite = points.filter(\.isFinite)
    let highest = finite.map(\.x).max() ?? 1
    (self.title, self.points, range) = (title, finite, 0...max(highest, 1e-9))
    (labels, spans, isMarked) = (("", unit), [], true)
  }

  private static let columns = 3
  private static let width = 320.0
  private static let height = 190.0
  private static let frame = (left: 46.0, right: 306.0, top: 26.0, bottom: 160.0)

  /// Panels side by side on white, as an SVG document.
  public static func document(_ panels: [PlotPanel]) -> String {
    let rows = (panels.count + columns - 1) / columns
    let size = (width: Double(columns) * width, height: Double(rows) * height)
    var parts = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(text(size.width)) \(text(size.height))\" "
        + "font-family=\"sans-serif\" font-size=\"11\">",
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
    ]
    for (index, panel) in panels.enumerated() {
      let x = Double(index % columns) * width
      let y = Double(index / columns) * height
      parts.append("<g transform=\"translate(\(text(x)) \(text(y)))\">")
      parts += panel.elements
      parts.append("</g>")
    }
    return (parts + ["</svg>"]).joined(separator: "\n") + "\n"
  }

  private var elements: [String] {
    let ticks = Self.ticks(points.map(\.y) + (isMarked ? [0] : []), whole: isMarked)
    let (lowest, highest) = (ticks[0], max(ticks[ticks.count - 1], ticks[0] + 1e-12))
    let frame = Self.frame
    func x(_ value: Double) -> Double {
      frame.left + (frame.right - frame.left) * (value - range.lowerBound) / (range.upperBound - range.lowerBound)
    }
    func y(_ value: Double) -> Double {
      let share = (value / 2 - lowest / 2) / (highest / 2 - lowest / 2)  // halves, whose difference is finite
      return frame.bottom - (frame.bottom - frame.top) * min(max(share, 0), 1)
    }
    var parts: [String] = []
    for (index, span) in spans.enumerated() {
      let (left, right) = (x(span.range.lowerBound), x(span.range.upperBound))
      let shade = index.isMultiple(of: 2) ? "#f2f4f8" : "#e4e8f0"
      parts.append(
        "<rect x=\"\(text(left))\" y=\"\(text(frame.top))\" width=\"\(text(max(right - left, 0.5)))\" "
          + "height=\"\(text(frame.bottom - frame.top))\" fill=\"\(shade)\"><title>\(escaped(span.name))</title></rect>"
      )
    }
    for tick in ticks {
      parts.append(
        "<line x1=\"\(text(frame.left))\" x2=\"\(text(frame.right))\" y1=\"\(text(y(tick)))\" y2=\"\(text(y(tick)))\" "
          + "stroke=\"#c8ccd4\" stroke-width=\"0.5\"/>")
      parts.append(label(text(tick), frame.left - 5, y(tick) + 4, "end"))
    }
    parts.append(label(title, frame.left, frame.top - 8, "start", weight: "bold"))
    let line = points.map { "\(text(x($0.x))),\(text(y($0.y)))" }.joined(separator: " ")
    parts.append("<polyline points=\"\(line)\" fill=\"none\" stroke=\"#2456c8\" stroke-width=\"1.3\"/>")
    guard isMarked else {
      parts.append(label(labels.first, frame.left, frame.bottom + 15, "start"))
      parts.append(label(labels.last, frame.right, frame.bottom + 15, "end"))
      return parts
    }
    var free = frame.left - 20  // where the last number ended: those that do not fit are left out
    for point in points {
      let number = text(point.x)
      parts.append("<circle cx=\"\(text(x(point.x)))\" cy=\"\(text(y(point.y)))\" r=\"2.5\" fill=\"#2456c8\"/>")
      let half = 3.5 * Double(number.count)
      guard x(point.x) - half > free else { continue }
      parts.append(label(number, x(point.x), frame.bottom + 15, "middle"))
      free = x(point.x) + half
    }
    parts.append(label(labels.last, frame.right, frame.top - 8, "end"))
    return parts
  }

  private func label(_ words: String, _ x: Double, _ y: Double, _ anchor: String, weight: String = "normal") -> String {
    "<text x=\"\(text(x))\" y=\"\(text(y))\" text-anchor=\"\(anchor)\" font-weight=\"\(weight)\" fill=\"#303640\">"
      + "\(escaped(words))</text>"
  }

  /// About four round numbers that enclose the values; not the highest twentieth unless `whole`: the first steps of a run
  /// would dominate the scale.
  private static func ticks(_ values: [Double], whole: Bool) -> [Double] {
    let sorted = values.sorted()
    guard let low = sorted.first else { return [0, 1] }
    let high = sorted[whole ? sorted.count - 1 : min(sorted.count * 19 / 20, sorted.count - 1)]
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

extension PlotPanel.Point {
  fileprivate var isFinite: Bool { x.isFinite && y.isFinite }
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
