import Datasets
import Foundation
import Support

/// The output of `flux data check`.
struct DataCheckReport: Encodable {
  let layout: ImageFolder.Layout
  let survey: DatasetReport
  let leftOver: [String]
  let masks: [String]
  let size: Int
  let maxTokens: Int
  let remarks: [String]
  let summary: String

  /// The maximum number of names per kind in the text; the JSON has all.
  private static let listed = 10

  init(survey: DatasetReport, source: ImageFolder, size: Int, maxTokens: Int) {
    (layout, leftOver, masks) = (source.layout, source.leftOver, source.masks)
    remarks = source.remarks
    (self.survey, self.size, self.maxTokens) = (survey, size, maxTokens)
    let counted = Self.counts(survey).map { "\($0.count) \(Self.name($0.kind, $0.count))" }
    func plural(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
    let totals = "\(plural(survey.images, "image")) with \(plural(survey.captions, "caption"))"
    summary =
      counted.isEmpty
      ? "\(totals), no problems"
      : "\(totals), \(survey.sound) without problems: \(counted.joined(separator: ", "))"
  }

  func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }

  /// Histograms, then problems by kind, or a summary if there are none.
  var text: String {
    var lines = [layoutLine, "", "shorter side in pixels"] + survey.shorterSides.lines.map { "  \($0)" }
    if survey.captions > 0 {
      let mean = String(format: "%.1f", survey.tokens.mean)
      lines += ["", "tokens per caption: mean \(mean), maximum \(survey.tokens.largest), limit \(maxTokens)"]
      lines += survey.tokens.lines.map { "  \($0)" }
    }
    for (kind, count) in Self.counts(survey) {
      lines += ["", "\(count) \(Self.name(kind, count))\(remark(kind))"]
      lines += Self.shortened(survey.findings.filter { $0.kind == kind }.map { Self.line($0) })
    }
    if !leftOver.isEmpty {
      lines += ["", "\(leftOver.count) \(leftOver.count == 1 ? "file" : "files") not used"] + Self.shortened(leftOver)
    }
    if !masks.isEmpty {
      lines += ["", "\(masks.count) \(masks.count == 1 ? "mask" : "masks") ignored"] + Self.shortened(masks)
    }
    if !remarks.isEmpty { lines += [""] + remarks }
    if survey.findings.isEmpty { lines += ["", summary] }
    return lines.joined(separator: "\n")
  }

  private var layoutLine: String {
    switch layout {
    case .textFiles: "layout: images with text files"
    case .metadata: "layout: images with a metadata file"
    case .archives: "layout: .tar archives"
    }
  }

  private func remark(_ kind: DatasetReport.Kind) -> String {
    switch kind {
    case .small: ": the shorter side is under \((size + 1) / 2) pixels"
    case .narrow: ": one side is more than 3 times the other"
    case .duplicate: ": same pixels as an earlier image"
    default: ""
    }
  }

  private static func counts(_ survey: DatasetReport) -> [(kind: DatasetReport.Kind, count: Int)] {
    DatasetReport.Kind.allCases.map { kind in (kind, survey.findings.count { $0.kind == kind }) }.filter { $0.1 > 0 }
  }

  private static func name(_ kind: DatasetReport.Kind, _ count: Int) -> String {
    switch kind {
    case .unreadable: "unreadable"
    case .duplicate: count == 1 ? "duplicate" : "duplicates"
    case .small: "small"
    case .narrow: "narrow"
    case .uncaptioned: "without a caption"
    case .cutCaption: count == 1 ? "caption too long" : "captions too long"
    case .brokenText: count == 1 ? "caption not in UTF-8" : "captions not in UTF-8"
    }
  }

  private static func line(_ finding: DatasetReport.Finding) -> String {
    switch finding.kind {
    case .unreadable: finding.detail  // it names the file
    case .uncaptioned: finding.id
    default: "\(finding.id): \(finding.detail)"
    }
  }

  // File names are untrusted: control characters must not reach the terminal.

  private static func shortened(_ names: [String]) -> [String] {
    names.prefix(listed).map { "  \(Console.printable($0, lineBreaks: false))" }
      + (names.count > listed ? ["  and \(names.count - listed) more"] : [])
  }
}
