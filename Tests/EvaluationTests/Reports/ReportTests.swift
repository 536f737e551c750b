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
      learnt: Judge(try LearntReader(directory: Learnt.folder)), neighbours: 16)
    let artist = GlyphEval.Artist(
      draw: { prompt, _, number in
        if number % 2 == 0 { return prompt.scene.render(size: 128, atlas: atlas) }
        return Image(width: 128, height: 128, channels: .rgb, pixels: [UInt8](repeating: 90, count: 3 * 128 * 128))
      }, copy: { $0 })
    let settings = EvaluationReport.Settings(
      version: "0", model: "a <model>", modelHash: nil, seed: 1, seeds: 2, quick: true, steps: 20, sampler: nil,
      guidance: nil, guidanceRescale: nil)
    let (report, thumbnails) = try evaluation.run(artist, settings)
    #expect(report.pictures.count == evaluation.pictureCount)
    #expect(thumbnails.count == report.pictures.count)
    #expect(report.overall.value == 0.5)
    #expect(report.fidelity?.decibels == 99)
    // Every object that was asked for was shown half of the time.
    #expect(Set(report.need.weights.values) == [0.6])
    #expect(report.table.contains("counting is left out"))
    let count = report.pictures.count
    #expect(report.agreement == Agreement((0..<count).map { ($0 % 2 == 0, $0 % 2 == 0) }))
    #expect(report.table.contains("learnt: drawn") && report.scores.allSatisfy { $0.learntDrawn.share == 0.5 })

    let page = try report.html(thumbnails)
    #expect(page.components(separatedBy: "<figure class=\"right\">").count == report.pictures.count / 2 + 1)
    #expect(page.contains("a &lt;model>") && !page.contains("http") && !page.contains("<script"))

    let again = try JSONDecoder().decode(EvaluationReport.self, from: Data(try report.json().utf8))
    #expect(again.table == report.table)
  }

  @Test func heldOutFactsAreReportedWithOneJudgeOrTwo() throws {
    let atlas = try GlyphAtlas()
    let (first, second) = (Judge(atlas: atlas), Judge(try LearntReader(directory: Learnt.folder)))
    let scenes = HeldOutReport.scenes(world: .small, seed: 1, count: 2)
    for hasLearnt in [false, true] {
      var report = HeldOutReport(
        model: "m", modelHash: "", world: .small, version: .v2, seed: 1, prompts: 2, steps: 20)
      for scene in scenes {
        let render = scene.scene.render(size: 128, atlas: atlas)
        let reading = first.read(render)
        let other = hasLearnt ? second.read(render) : nil
        report.add(scene, drawn: reading, rendered: reading, copied: nil, learnt: other.map { ($0, $0) })
      }
      #expect(report.table.contains(hasLearnt ? "learnt: drawn" : "There is no learnt judge for the small world"))
      #expect(report.agreement?.agreed == (hasLearnt ? 2 : nil))
    }
  }

  @Test func whatAnAutoencoderLeavesIsReportedBySize() throws {
    let atlas = try GlyphAtlas()
    let judge = Judge(atlas: atlas)
    var report = AutoencoderReport(
      model: "m", modelHash: "", world: .small, version: .v2, seed: 1, size: 128)
    let meter = SharpnessMeter(side: 128)
    let grey = Image(width: 128, height: 128, channels: .rgb, pixels: [UInt8](repeating: 90, count: 3 * 128 * 128))
    let scenes = HeldOutReport.scenes(world: .small, seed: 1, count: 12)
    for (index, scene) in scenes.enumerated() {
      let render = scene.scene.render(size: 128, atlas: atlas)
      let copy = index % 2 == 0 ? render : grey
      let sample = meter.compare(copy, with: meter.reference(render))
      report.add(scene, render: render, copy: copy, sharpness: sample, judge: judge, learnt: judge)
    }
    let filled = report.bands.filter { !$0.fidelity.isEmpty }
    #expect(filled.reduce(0) { $0 + $1.fidelity.count } == 12)
    #expect(report.fidelity.enumerated().allSatisfy { ($1.decibels == 99) == ($0 % 2 == 0) })
    let facts = scenes.enumerated().filter { $0.offset % 2 == 0 }.reduce(0) { $0 + $1.element.scene.objects.count }
    #expect(report.copied[.object].right == facts && report.rendered[.object].share == 1)
    #expect(report.learntCopied == report.copied)
    #expect(
      report.table.contains("The learnt judge names")
        && report.table.split(separator: "\n").count == 2 * (filled.count + 2) + 1)
    // Half of the copies are even: half of the power is left.
    let sharpness = report.sharpness.values
    #expect(sharpness.counts.sharpness == 12 && sharpness.sharpness == nil)
    #expect(try #require(sharpness.contrast) > 0.5 && #require(sharpness.contrast) < 0.9)
  }
}
