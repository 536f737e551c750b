import Foundation

extension EvaluationReport {
  /// The rows of the table of scores, below `heads`.
  var rows: [[String]] {
    let rows = scores.map { score in
      [score.category.title, Self.percent(score.drawn), Self.interval(score.drawn.interval)]
        + others.map { Self.percent(score[keyPath: $0.part]) } + [String(score.drawn.count)]
    }
    func mean(_ part: KeyPath<Score, Scorecard.Tally>) -> String {
      guard scores.allSatisfy({ $0[keyPath: part].count > 0 }) else { return "–" }
      return Self.percent(scores.reduce(0) { $0 + $1[keyPath: part].share } / Double(scores.count))
    }
    let all = scores.reduce(0) { $0 + $1.drawn.count }
    let last = ["overall", Self.percent(overall.value), Self.interval(overall.low...overall.high)]
    return rows + [last + others.map { mean($0.part) } + [String(all)]]
  }

  /// The columns beside the score; those of the learnt judge where it judged.
  private var others: [(head: String, part: KeyPath<Score, Scorecard.Tally>)] {
    let first: [(String, KeyPath<Score, Scorecard.Tally>)] = [
      ("encode-decode", \.copies), ("renders", \.renders), ("shuffled", \.shuffled),
    ]
    guard agreement != nil else { return first }
    return first + [("learnt: drawn", \.learntDrawn), ("renders", \.learntRenders)]
  }

  var heads: [String] { ["% right", "drawn", "95 % interval"] + others.map(\.head) + ["pictures"] }

  /// What is not in the table, a sentence each.
  var notes: [String] {
    var notes: [String] = []
    if world == .small {
      notes.append("The small world has no counts above two: counting is left out, overall is the mean of the others.")
    }
    notes.append(agreement?.sentence ?? Agreement.none(in: world))
    if paraphrased.count > 0 {
      notes.append(
        "In other words \(Self.percent(paraphrased)) % (\(Self.interval(paraphrased.interval))), the same prompts "
          + "plainly \(Self.percent(samePlain)) % (\(Self.interval(samePlain.interval))), "
          + "\(paraphrased.count) pictures each.")
    }
    if let fidelity {
      notes.append(
        String(
          format: "Encode-decode of renders: PSNR %.2f dB, SSIM %.4f, edge F1 %.3f.", fidelity.decibels, fidelity.ssim,
          fidelity.edges))
    }
    func number(_ value: Double?) -> String { value.map { String(format: "%.3f", $0) } ?? "–" }
    notes.append(
      "Diversity: pictures of one prompt are \(number(measures.withinPrompts)) apart, of different prompts "
        + "\(number(measures.betweenPrompts)).")
    notes.append(
      "Nearest of \(measures.neighbours) training scenes (median): drawn \(number(measures.nearestOfDrawn)), renders of "
        + "the prompts \(number(measures.nearestOfRenders)), held-out renders \(number(measures.nearestOfHeldOut)).")
    notes.append(
      "Fréchet distance from the prompts' renders in the judge's features: drawn \(number(measures.frechetOfDrawn)), "
        + "encode-decode \(number(measures.frechetOfCopies)), other renders \(number(measures.frechetOfRenders)).")
    return notes
  }

  /// The scores as people read them.
  public var table: String {
    let sharpness = sharpnessTable.isEmpty ? [] : [""] + TextTable.lines(sharpnessTable)
    return (TextTable.lines([heads] + rows) + sharpness + [""] + notes).joined(separator: "\n")
  }

  /// How sharp and how clean drawn pictures and reconstructions are, with a head; empty where it was not measured.
  var sharpnessTable: [[String]] {
    guard let sharpness else { return [] }
    var rows = scores.compactMap { score in score.sharpness.map { (name: score.category.title, values: $0) } }
    rows.append((name: "all drawn", values: sharpness))
    if let reconstructionSharpness { rows.append((name: "encode-decode", values: reconstructionSharpness)) }
    return Sharpness.Values.table(rows)
  }

  static func percent(_ value: Double) -> String { String(format: "%.1f", 100 * value) }
  static func percent(_ tally: Scorecard.Tally) -> String { tally.count > 0 ? percent(tally.share) : "–" }

  static func interval(_ range: ClosedRange<Double>) -> String {
    "\(percent(range.lowerBound))–\(percent(range.upperBound))"
  }
}
