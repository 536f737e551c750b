import Evaluation
import Foundation
import Images
import Scenes
import Testing

@Suite struct ReportTests {
  /// A painter that draws what was asked for the first seed and nothing for the second: half is right.
  @Test func aReportAddsUpWhatBothJudgesSaw() throws {
    let atlas = try GlyphAtlas()
    // The first two of every category.
    let prompts = PromptSet.categories(of: .small).flatMap { category in
      Prepared.small.prompts.filter { $0.category == category }.prefix(2)
    }
    let set = PromptSet(world: .small, prompts: prompts)
    let evaluation = GlyphEval(
      set: set, others: set, seed: 1, seeds: 2, size: 128, atlas: atlas, training: Scenes(seed: 20),
      learned: Judge(try LearnedReader(directory: Learned.folder)), neighbors: 16)
    let provider = GlyphEval.ImageProvider(
      draw: { prompt, _, _ in
        let gray = Image(width: 128, height: 128, channels: .rgb, pixels: [UInt8](repeating: 90, count: 3 * 128 * 128))
        return [prompt.scene.render(size: 128, atlas: atlas), gray]
      }, reconstruct: { $0 })
    let settings = EvaluationReport.Settings(
      version: "0", model: "a <model>", modelHash: nil, seed: 1, seeds: 2, quick: true, steps: 20, sampler: nil,
      guidance: nil, guidanceRescale: nil)
    let (report, thumbnails) = try evaluation.run(provider, settings)
    #expect(report.images.count == evaluation.imageCount)
    #expect(thumbnails.count == report.images.count)
    #expect(report.overall.value == 0.5)
    #expect(report.fidelity?.psnr == 99)
    // Every object that was asked for was shown half of the time.
    #expect(Set(report.samplingWeights.weights.values) == [0.6])
    #expect(report.table.contains("counting is omitted"))
    let count = report.images.count
    #expect(report.agreement == Agreement((0..<count).map { ($0 % 2 == 0, $0 % 2 == 0) }))
    #expect(
      report.table.contains("learned: generated") && report.scores.allSatisfy { $0.learnedGenerated.share == 0.5 })

    let page = try report.html(thumbnails)
    #expect(page.components(separatedBy: "<figure class=\"right\">").count == report.images.count / 2 + 1)
    #expect(page.contains("a &lt;model>") && !page.contains("http") && !page.contains("<script"))

    let again = try JSONDecoder().decode(EvaluationReport.self, from: Data(try report.json().utf8))
    #expect(again.table == report.table)
  }

  @Test func heldOutFactsAreReportedWithOneJudgeOrTwo() throws {
    let atlas = try GlyphAtlas()
    let (first, second) = (Judge(atlas: atlas), Judge(try LearnedReader(directory: Learned.folder)))
    let scenes = HeldOutReport.scenes(world: .small, seed: 1, count: 2)
    for hasLearned in [false, true] {
      var report = HeldOutReport(
        model: "m", modelHash: "", world: .small, version: .v2, seed: 1, prompts: 2, steps: 20)
      for scene in scenes {
        let render = scene.scene.render(size: 128, atlas: atlas)
        let reading = first.read(render)
        let other = hasLearned ? second.read(render) : nil
        report.add(scene, generated: reading, rendered: reading, reconstructed: nil, learned: other.map { ($0, $0) })
      }
      #expect(
        report.table.contains(hasLearned ? "learned: generated" : "There is no learned judge for the small world"))
      #expect(report.agreement?.agreed == (hasLearned ? 2 : nil))
    }
  }

  @Test func whatAnAutoencoderLeavesIsReportedBySize() throws {
    let atlas = try GlyphAtlas()
    let judge = Judge(atlas: atlas)
    var report = AutoencoderReport(
      model: "m", modelHash: "", world: .small, version: .v2, seed: 1, size: 128)
    let meter = SharpnessMeter(side: 128)
    let gray = Image(width: 128, height: 128, channels: .rgb, pixels: [UInt8](repeating: 90, count: 3 * 128 * 128))
    let scenes = HeldOutReport.scenes(world: .small, seed: 1, count: 12)
    for (index, scene) in scenes.enumerated() {
      let render = scene.scene.render(size: 128, atlas: atlas)
      let reconstruction = index % 2 == 0 ? render : gray
      let sample = meter.compare(reconstruction, with: meter.reference(render))
      report.add(scene, render: render, reconstruction: reconstruction, sharpness: sample, judge: judge, learned: judge)
    }
    let filled = report.bands.filter { !$0.fidelity.isEmpty }
    #expect(filled.reduce(0) { $0 + $1.fidelity.count } == 12)
    #expect(report.fidelity.enumerated().allSatisfy { ($1.psnr == 99) == ($0 % 2 == 0) })
    let facts = scenes.enumerated().filter { $0.offset % 2 == 0 }.reduce(0) { $0 + $1.element.scene.objects.count }
    #expect(report.reconstructed[.object].right == facts && report.rendered[.object].share == 1)
    #expect(report.learnedReconstructed == report.reconstructed)
    #expect(
      report.table.contains("Objects by the learned judge")
        && report.table.split(separator: "\n").count == 2 * (filled.count + 2) + 1)
    // Half of the copies are even: half of the power is left.
    let sharpness = report.sharpness.values
    #expect(sharpness.counts.sharpness == 12 && sharpness.sharpness == nil)
    #expect(try #require(sharpness.contrast) > 0.5 && #require(sharpness.contrast) < 0.9)
  }
}
