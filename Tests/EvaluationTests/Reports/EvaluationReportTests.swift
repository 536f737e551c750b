import Foundation
import Images
import Scenes
import Testing

@testable import Evaluation

/// Reports of verdicts made by hand.
@Suite struct EvaluationReportTests {
  /// Verdicts on the images of one prompt.
  private func images(
    _ category: PromptCategory, _ index: Int, _ verdicts: [Bool], kind: EvaluationReport.Kind = .plain,
    learned: [Bool]? = nil
  ) -> [EvaluationReport.Judged] {
    verdicts.enumerated().map { turn, isRight in
      EvaluationReport.Judged(
        kind: kind, category: category, index: index, prompt: "prompt \(index)", seed: UInt64(turn), isRight: isRight,
        found: "nothing on blue",
        learned: learned.map {
          EvaluationReport.Opinion(reading($0[turn]), of: Readings.prompt(.single, [Readings.panda]))
        })
    }
  }

  /// A reading with or without a panda.
  private func reading(_ hasPanda: Bool) -> ImageReading {
    Readings.reading(hasPanda ? [Readings.part(Readings.panda)] : [])
  }

  private func report(_ images: [[EvaluationReport.Judged]], world: World = .small) -> EvaluationReport {
    let settings = EvaluationReport.Settings(
      version: "0", model: "m", modelHash: nil, seed: 1, seeds: 2, quick: true, steps: 20, sampler: nil, guidance: nil,
      guidanceRescale: nil)
    var report = EvaluationReport(settings: settings, world: world)
    report.images = Array(images.joined())
    report.finish()
    return report
  }

  private func score(_ report: EvaluationReport, _ category: PromptCategory) -> EvaluationReport.Score? {
    report.scores.first { $0.category == category }
  }

  @Test func theOverallShareIsTheMeanOfTheCategories() {
    let report = report([
      images(.single, 0, [true, true]), images(.single, 1, [true, false]), images(.two, 2, [false, false]),
      images(.colors, 3, [true, true]), images(.position, 4, [true, false]), images(.attribution, 5, [false, false]),
    ])
    #expect(score(report, .single)?.generated.right == 3 && score(report, .single)?.generated.count == 4)
    #expect(abs(report.overall.value - (0.75 + 0 + 1 + 0.5 + 0) / 5) < 1e-12)
    #expect(report.overall.low <= report.overall.value && report.overall.value <= report.overall.high)
  }

  @Test func categoriesWithoutImagesDoNotLowerTheOverallShare() {
    let report = report([images(.single, 0, [true, true]), images(.two, 1, [true, false])])
    #expect(report.overall.value == 0.75)
    #expect(report.overall.low <= 0.75 && report.overall.high >= 0.75)
    let row = report.rows.first { $0[0] == "colors" }
    #expect(row == ["colors", "–", "0.0–100.0", "–", "–", "–", "0"])
  }

  @Test func aReportOfNothingHasNoShareAndIsStillWritten() throws {
    let report = report([])
    #expect(report.overall.value == 0 && report.overall.low == 0 && report.overall.high == 1)
    #expect(report.agreement == nil && report.fidelity == nil)
    #expect(report.table.contains("There is no learned judge for the small world"))
    #expect(try report.html([]).contains("<h1>GlyphEval: m</h1>"))
    #expect(try !report.json().isEmpty)
  }

  @Test func paraphrasesAreComparedWithTheSamePromptsInPlainWords() {
    let report = report([
      images(.single, 0, [true, true]), images(.single, 1, [false, true]),
      images(.single, 1, [false, false], kind: .paraphrase),
    ])
    #expect(report.paraphrased.right == 0 && report.paraphrased.count == 2)
    #expect(report.samePlain.right == 1 && report.samePlain.count == 2, "of prompt 1 alone")
    #expect(score(report, .single)?.generated.count == 4, "paraphrases are not in the score")
    #expect(report.notes.contains { $0.hasPrefix("Paraphrases: 0.0 % (") && $0.contains("words: 50.0 %") })
  }

  @Test func theLearnedJudgeHasItsOwnColumns() {
    let report = report([images(.single, 0, [true, true, false], learned: [true, false, false])])
    #expect(score(report, .single)?.learnedGenerated.right == 1)
    #expect(report.agreement == Agreement([(true, true), (true, false), (false, false)]))
    #expect(report.heads.suffix(3) == ["learned: generated", "renders", "images"])
    #expect(report.rows.allSatisfy { $0.count == report.heads.count })
  }

  @Test func everyRowHasAsManyCellsAsTheHead() {
    for world in World.allCases {
      let report = report([images(.single, 0, [true])], world: world)
      #expect(report.rows.count == PromptSet.categories(of: world).count + 1)
      #expect(report.rows.allSatisfy { $0.count == report.heads.count })
      #expect(report.rows.last?.first == "overall" && report.rows.last?.last == "1")
      #expect(report.table.contains("counting is omitted") == (world == .small))
    }
  }

  // MARK: - Other images

  @Test func rendersAndReconstructionsAreCountedByThemselves() {
    var report = report([])
    let prompt = Readings.prompt(.single, [Readings.panda])
    report.note(reading(true), of: prompt, as: .renders)
    report.note(reading(true), of: prompt, as: .renders)
    report.note(reading(false), of: prompt, as: .reconstructions)
    report.note(reading(true), of: prompt, as: .learnedRenders)
    let single = score(report, .single)
    #expect(single?.renders.share == 1 && single?.renders.count == 2)
    #expect(single?.reconstructions.share == 0 && single?.reconstructions.count == 1)
    #expect(single?.learnedRenders.count == 1 && single?.generated.count == 0)
    report.note(reading(true), of: Readings.prompt(.counting, [Readings.panda]), as: .renders)
    #expect(report.scores.allSatisfy { $0.category == .single || $0.renders.count == 0 }, "not in the small world")
  }

  /// Three prompts: each image is judged against the prompt two further.
  @Test func shufflingJudgesImagesAgainstOtherPromptsOfTheirCategory() {
    let kinds = [Readings.panda, Readings.apple, Readings.redCircle]
    let prompts = kinds.map { Readings.prompt(.single, [$0]) } + [Readings.prompt(.two, [kinds[0], kinds[1]])]
    let own = kinds.map { [Readings.reading([Readings.part($0)])] } + [[Readings.reading([])]]
    var shuffled = report([])
    shuffled.shuffle(own, prompts)
    #expect(score(shuffled, .single)?.shuffled.count == 3 && score(shuffled, .single)?.shuffled.right == 0)
    #expect(score(shuffled, .two)?.shuffled.count == 0, "a prompt alone has no other")
    var turned = report([])
    turned.shuffle([own[2], own[0], own[1], own[3]], prompts)
    #expect(score(turned, .single)?.shuffled.right == 3)
  }

  @Test func objectsAreCountedOncePerImage() {
    var report = report([])
    report.noteObjects(reading(true), of: Readings.prompt(.counting, [Readings.panda, Readings.panda]))
    report.noteObjects(reading(true), of: Readings.prompt(.two, [Readings.panda, Readings.redCircle]))
    #expect(report.objects["panda"]?.count == 2 && report.objects["panda"]?.right == 2)
    #expect(report.objects["circle"]?.count == 1 && report.objects["circle"]?.right == 0)
    #expect(report.objects.count == 2)
    let weights = report.samplingWeights.weights
    #expect(weights["circle"]! > weights["panda"]!, "what is missed is drawn more often")
  }

  @Test func aReportIsReadBackFromJSON() throws {
    var report = report([images(.single, 0, [true, false], learned: [true, true])])
    report.fidelity = Fidelity(psnr: 30, ssim: 0.9, edges: 0.8)
    report.noteObjects(reading(true), of: Readings.prompt(.single, [Readings.panda]))
    let text = try report.json()
    let again = try JSONDecoder().decode(EvaluationReport.self, from: Data(text.utf8))
    #expect(try again.json() == text)
    #expect(again.table == report.table && again.images.count == 2 && again.settings.steps == 20)
    #expect(again.table.contains("PSNR 30.00 dB, SSIM 0.9000, edge F1 0.800"))
  }
}
