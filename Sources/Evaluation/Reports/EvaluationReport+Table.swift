import Foundation

extension EvaluationReport {
  /// The rows of the table of scores, below `heads`.
  var rows: [[String]] {
    let rows = scores.map { score in
      [score.category.title, Self.percent(score.generated), Self.interval(score.generated.interval)]
        + others.map { Self.percent(score[keyPath: $0.part]) } + [String(score.generated.count)]
    }
    // Of the same categories as the score.
    let judged = scores.filter { $0.generated.count > 0 }
    func mean(_ part: KeyPath<Score, Scorecard.Tally>) -> String {
      guard !judged.isEmpty, judged.allSatisfy({ $0[keyPath: part].count > 0 }) else { return "–" }
      return Self.percent(judged.reduce(0) { $0 + $1[keyPath: part].share } / Double(judged.count))
    }
    let all = scores.reduce(0) { $0 + $1.generated.count }
    let last = ["overall", Self.percent(overall.value), Self.interval(overall.low...overall.high)]
    return rows + [last + others.map { mean($0.part) } + [String(all)]]
  }

  /// The columns beside the score, with those of the learned judge if there is one.
  private var others: [(head: String, part: KeyPath<Score, Scorecard.Tally>)] {
    let first: [(String, KeyPath<Score, Scorecard.Tally>)] = [
      ("reconstructions", \.reconstructions), ("renders", \.renders), ("shuffled", \.shuffled),
    ]
    guard agreement != nil else { return first }
    return first + [("learned: generated", \.learnedGenerated), ("renders", \.learnedRenders)]
  }

  var heads: [String] { ["% right", "generated", "95 % interval"] + others.map(\.head) + ["images"] }

  /// Notes below the table, one sentence each.
  var notes: [String] {
    var notes: [String] = []
    if world == .small {
      notes.append(
        "The small world has no counts above two: counting is omitted, and overall is the mean of the others.")
    }
    notes.append(agreement?.sentence ?? Agreement.none(in: world))
    if paraphrased.count > 0 {
      notes.append(
        "Paraphrases: \(Self.percent(paraphrased)) % (\(Self.interval(paraphrased.interval))); the same prompts in plain "
          + "words: \(Self.percent(samePlain)) % (\(Self.interval(samePlain.interval))); "
          + "\(paraphrased.count) images each.")
    }
    if let fidelity {
      notes.append(
        String(
          format: "Reconstructions of renders: PSNR %.2f dB, SSIM %.4f, edge F1 %.3f.", fidelity.psnr, fidelity.ssim,
          fidelity.edges))
    }
    func number(_ value: Double?) -> String { value.map { String(format: "%.3f", $0) } ?? "–" }
    notes.append(
      "Diversity (mean feature distance): \(number(measures.withinPrompts)) between images of the same prompt, "
        + "\(number(measures.betweenPrompts)) between prompts.")
    if measures.neighbors > 0 {
      notes.append(
        "Nearest of \(measures.neighbors) training scenes (median): generated \(number(measures.nearestOfGenerated)), "
          + "renders of the prompts \(number(measures.nearestOfRenders)), held-out renders "
          + "\(number(measures.nearestOfHeldOut)).")
    }
    notes.append(
      "Fréchet distance to the prompts' renders (image features): generated \(number(measures.frechetOfGenerated)), "
        + "reconstructions \(number(measures.frechetOfReconstructions)), other renders \(number(measures.frechetOfRenders))."
    )
    return notes
  }

  /// The report as text.
  public var table: String {
    let sharpness = sharpnessTable.isEmpty ? [] : [""] + TextTable.lines(sharpnessTable)
    return (TextTable.lines([heads] + rows) + sharpness + [""] + notes).joined(separator: "\n")
  }

  /// Sharpness and cleanness of generated images and reconstructions, with a header; empty if not measured.
  var sharpnessTable: [[String]] {
    guard let sharpness else { return [] }
    var rows = scores.compactMap { score in score.sharpness.map { (name: score.category.title, values: $0) } }
    rows.append((name: "all generated", values: sharpness))
    if let reconstructionSharpness { rows.append((name: "reconstructions", values: reconstructionSharpness)) }
    return Sharpness.Values.table(rows)
  }

  static func percent(_ value: Double) -> String { String(format: "%.1f", 100 * value) }
  static func percent(_ tally: Scorecard.Tally) -> String { tally.count > 0 ? percent(tally.share) : "–" }

  static func interval(_ range: ClosedRange<Double>) -> String {
    "\(percent(range.lowerBound))–\(percent(range.upperBound))"
  }
}
