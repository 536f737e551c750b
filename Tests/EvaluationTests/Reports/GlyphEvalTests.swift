import Images
import Scenes
import Testing

@testable import Evaluation

@Suite struct GlyphEvalTests {
  /// What a provider was asked for, in order.
  private final class Requests {
    var all: [(text: String, seeds: [UInt64], number: Int)] = []
  }

  private struct Broken: Error {}

  private func evaluation(_ set: PromptSet, seeds: Int = 1) throws -> GlyphEval {
    GlyphEval(
      set: set, others: set, seed: 100, seeds: seeds, size: 128, atlas: try SmallAtlas.get(),
      training: Scenes(seed: 20), neighbors: 8)
  }

  private let settings = EvaluationReport.Settings(
    version: "0", model: nil, modelHash: nil, seed: 100, seeds: 1, quick: true, steps: nil, sampler: nil, guidance: nil,
    guidanceRescale: nil)

  private let gray = Image(
    width: 128, height: 128, channels: .rgb, pixels: [UInt8](repeating: 90, count: 3 * 128 * 128))

  /// The first prompts of the small world, of which the third is also asked for in other words.
  private var quick: PromptSet { PromptSet(world: .small, seed: 1, quick: true) }

  @Test func imagesAreCountedWithTheirParaphrases() throws {
    let set = quick
    #expect(try evaluation(set, seeds: 3).imageCount == 3 * (set.prompts.count + set.paraphrases.count))
    #expect(set.prompts.count == 47 && set.paraphrases.count == 9)
  }

  @Test func everyImageHasItsOwnSeed() throws {
    let (atlas, requests) = (try SmallAtlas.get(), Requests())
    let set = PromptSet(world: .small, prompts: Array(Prepared.small.prompts.prefix(2)))
    let provider = GlyphEval.ImageProvider(
      draw: { prompt, seeds, number in
        requests.all.append((prompt.text, seeds, number))
        return seeds.map { _ in prompt.scene.render(size: 128, atlas: atlas) }
      }, reconstruct: nil)
    let (report, thumbnails) = try evaluation(set, seeds: 2).run(provider, settings)
    #expect(requests.all.map(\.seeds) == [[100, 101], [102, 103]] && requests.all.map(\.number) == [0, 2])
    #expect(requests.all.map(\.text) == set.prompts.map(\.text))
    #expect(report.images.map(\.seed) == [100, 101, 102, 103] && thumbnails.count == 4)
    #expect(report.scores[0].generated.share == 1 && report.scores[0].renders.count == 2)
    #expect(report.fidelity == nil && report.reconstructionSharpness == nil && report.agreement == nil)
    #expect(report.measures.withinPrompts == 0, "both images of a prompt are the same")
  }

  @Test func anErrorOfTheProviderEndsTheEvaluation() throws {
    let set = PromptSet(world: .small, prompts: Array(Prepared.small.prompts.prefix(3)))
    let (gray, requests) = (gray, Requests())
    let provider = GlyphEval.ImageProvider(
      draw: { prompt, seeds, number in
        requests.all.append((prompt.text, seeds, number))
        if number == 1 { throw Broken() }
        return [gray]
      }, reconstruct: nil)
    #expect(throws: Broken.self) { try evaluation(set).run(provider, settings) }
    #expect(requests.all.count == 2)
  }

  @Test func reconstructionsAreComparedWithTheRenders() throws {
    let set = PromptSet(world: .small, prompts: Array(Prepared.small.prompts.prefix(2)))
    let gray = gray
    let provider = GlyphEval.ImageProvider(draw: { _, _, _ in [gray] }, reconstruct: { $0 })
    let report = try evaluation(set).run(provider, settings).report
    #expect(report.fidelity == Fidelity(psnr: 99, ssim: report.fidelity?.ssim ?? 0, edges: 1))
    #expect(report.scores[0].generated.share == 0 && report.scores[0].reconstructions.share == 1)
    #expect(report.reconstructionSharpness?.contrast == 1)
    #expect(try #require(report.measures.frechetOfReconstructions) < 1e-6)
    #expect(try #require(report.measures.frechetOfGenerated) > 0.01)
  }
}
