import Foundation

/// Rows of cells as aligned lines: the first column to the left, all others to the right; rows may be short.
enum TextTable {
  static func lines(_ rows: [[String]]) -> [String] {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in rows.map { $0.indices ~= column ? $0[column].count : 0 }.max() ?? 0 }
    return rows.map { row in
      row.enumerated().map { column, text in
        let pad = String(repeating: " ", count: widths[column] - text.count)
        return column == 0 ? text + pad : pad + text
      }.joined(separator: "  ")
    }
  }
}

extension Sharpness.Values {
  /// A table of several sets, with its head; the first cell of a row is its name.
  static func table(_ rows: [(name: String, values: Sharpness.Values)]) -> [[String]] {
    let head = [
      "", "effective resolution", "sharpness", "contrast", "images", "clean background, %", "references", "images",
      "background offset", "images", "mean color offset", "images",
    ]
    return [head] + rows.map { [$0.name] + $0.values.cells }
  }

  private var cells: [String] {
    func number(_ value: Double?, _ format: String) -> String { value.map { String(format: format, $0) } ?? "–" }
    return [
      number(effectiveResolution, "%.1f"), number(sharpness, "%.3f"), number(contrast, "%.3f"),
      String(counts.sharpness),
      number(cleanBackground.map { 100 * $0 }, "%.1f"), number(cleanReferences.map { 100 * $0 }, "%.1f"),
      String(counts.cleanBackground),
      number(backgroundOffset, "%.2f"), String(counts.backgroundOffset),
      number(meanColorOffset, "%.2f"), String(counts.meanColorOffset),
    ]
  }
}
