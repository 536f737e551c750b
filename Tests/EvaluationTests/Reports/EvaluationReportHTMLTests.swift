import Images
import Scenes
import Testing

@testable import Evaluation

@Suite struct EvaluationReportHTMLTests {
  private let thumbnail = Image(width: 8, height: 8, channels: .rgb, pixels: [UInt8](repeating: 90, count: 192))

  private func image(
    _ category: PromptCategory, _ index: Int, prompt: String, isRight: Bool = true, found: String = "panda on blue",
    kind: EvaluationReport.Kind = .plain, learned: Bool? = nil
  ) -> EvaluationReport.Judged {
    let seen = learned == true ? [Readings.part(Readings.panda)] : []
    return EvaluationReport.Judged(
      kind: kind, category: category, index: index, prompt: prompt, seed: 7, isRight: isRight, found: found,
      learned: learned.map { _ in
        EvaluationReport.Opinion(
          Readings.reading(seen, on: "grass"), of: Readings.prompt(.single, [Readings.panda]))
      })
  }

  private func page(_ images: [EvaluationReport.Judged], model: String? = "m") throws -> String {
    let settings = EvaluationReport.Settings(
      version: "1.2", model: model, modelHash: "0123456789abcdef", seed: 5, seeds: 1, quick: true, steps: 20,
      sampler: "ddim", guidance: 3.5, guidanceRescale: nil)
    var report = EvaluationReport(settings: settings, world: .small)
    report.images = images
    report.finish()
    return try report.html(images.map { _ in thumbnail })
  }

  private func count(_ text: String, in page: String) -> Int { page.components(separatedBy: text).count - 1 }

  @Test func promptsReadingsAndTheModelsNameAreEscaped() throws {
    let evil = "<script>alert(\"x\")</script> & <b>bold"
    let page = try page([image(.single, 0, prompt: evil, found: "\"><img src=x> & more")], model: "<i>m</i> & \"q\"")
    #expect(
      !page.contains("<script") && !page.contains("<b>bold") && !page.contains("<i>") && !page.contains("<img src"))
    #expect(page.contains("<h2>&lt;script>alert(&quot;x&quot;)&lt;/script> &amp; &lt;b>bold</h2>"))
    #expect(page.contains("alt=\"right: &quot;>&lt;img src=x> &amp; more\""))
    #expect(count("GlyphEval: &lt;i>m&lt;/i> &amp; &quot;q&quot;", in: page) == 2, "title and heading")
  }

  @Test func entitiesInAPromptAreNotReadAsSuch() throws {
    #expect(try page([image(.single, 0, prompt: "a &lt; b")]).contains("<h2>a &amp;lt; b</h2>"))
  }

  @Test func onlyCategoriesWithImagesHaveASection() throws {
    let page = try page([
      image(.single, 0, prompt: "a"), image(.single, 1, prompt: "b", isRight: false),
      image(.colors, 2, prompt: "c"), image(.single, 0, prompt: "d", kind: .paraphrase),
    ])
    #expect(count("<details", in: page) == 3 && count("</details>", in: page) == 3)
    #expect(page.contains("<details open><summary>single object: 1 of 2</summary>"))
    #expect(page.contains("<details open><summary>colors: 1 of 1</summary>"))
    #expect(page.contains("<details><summary>single object, paraphrased: 1 of 1</summary>"))
    #expect(!page.contains("<summary>position"))
  }

  @Test func imagesOfAPromptStandTogetherInTheOrderOfPrompts() throws {
    let page = try page([
      image(.single, 3, prompt: "third"), image(.single, 1, prompt: "first"), image(.single, 3, prompt: "third"),
    ])
    #expect(count("<section>", in: page) == 2 && count("<figure", in: page) == 3)
    let (first, third) = (page.range(of: "<h2>first"), page.range(of: "<h2>third"))
    #expect(try #require(first).lowerBound < #require(third).lowerBound)
  }

  @Test func verdictsAreFramesAndTheLearnedJudgeSpeaksWhereItDisagrees() throws {
    let page = try page([
      image(.single, 0, prompt: "a", isRight: true, learned: true),
      image(.single, 1, prompt: "b", isRight: true, learned: false),
      image(.single, 2, prompt: "c", isRight: false, learned: true),
    ])
    #expect(count("<figure class=\"right\">", in: page) == 2 && count("<figure class=\"wrong\">", in: page) == 1)
    #expect(count("<b>learned judge: wrong</b>, nothing on grass", in: page) == 1)
    #expect(count("<b>learned judge: right</b>, panda on grass", in: page) == 1)
  }

  @Test func thePageSaysHowItWasMadeAndLoadsNothing() throws {
    let page = try page([image(.single, 0, prompt: "a")])
    #expect(
      page.contains(
        "small world, seed 5, 1 images per prompt, a tenth of the prompts, model 0123456789ab, 20 steps, ddim, "
          + "guidance 3.5, Flux 1.2"))
    #expect(count("src=\"data:image/jpeg;base64,/9j/", in: page) == 1)
    #expect(!page.contains("http") && !page.contains("url("))
    #expect(try self.page([], model: nil).contains("<title>GlyphEval: renders</title>"))
  }
}
