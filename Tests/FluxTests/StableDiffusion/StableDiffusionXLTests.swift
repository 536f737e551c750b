import Diffusion
import Foundation
import Models
import TestSupport
import Testing
import Torch

@testable import Flux

/// Whole pipelines against diffusers; Tools/golden/stable_diffusion_xl.py says how the pictures were made.
@Suite struct StableDiffusionXLTests {
  private let model = Project.golden("stable_diffusion_xl/model")

  @Test func picturesAreThoseOfDiffusers() throws {
    let golden = try PipelineGolden("stable_diffusion_xl")
    try #require(golden.cases.count >= 13)
    try golden.compare { try PipelineGolden.pipeline(model, .init(clipSkip: $0.clipSkip ?? 0)) }
  }

  @Test func aSingleFileDrawsWhatItsDirectoryDraws() throws {
    let golden = try PipelineGolden("stable_diffusion_xl")
    let single = try PipelineGolden.single("stable_diffusion_xl", textHeadWidth: 4)
    for example in [golden.cases[0], golden.cases[4]] {
      var request = try golden.request(example)
      request.sampler = .euler
      let expected = try PipelineGolden.pipeline(model).generate(request).image
      #expect(try single.generate(request).image == expected, "\(example)")
    }
  }

  @Test func imagesOfOneBatchAreThoseDrawnAlone() throws {
    let pipeline = try PipelineGolden.pipeline(model)
    var requests = [0, 3, 4].map { index in
      GenerationRequest(
        prompt: index == 4 ? "a fox!!" : "a dog", negativePrompt: index == 3 ? "blue sky" : "", seed: UInt64(index),
        steps: 3, sampler: .euler, guidance: Guidance(scale: 6), width: 48, height: 32)
    }
    let together = try pipeline.generate(together: requests)
    for (request, drawn) in zip(requests, together) {
      let alone = try pipeline.generate(request).image
      let differences = zip(alone.pixels, drawn.image.pixels).map { abs(Int($0) - Int($1)) }
      #expect(differences.max() ?? 255 <= 1, "seed \(request.seed)")
    }
    requests[0].negativePrompt = "blue sky"
    #expect(try pipeline.generate(requests[0]).image != together[0].image)
  }

  @Test func anEmptyNegativePromptIsZerosAndAnEmptyPromptIsNot() throws {
    let pipeline = try PipelineGolden.pipeline(model)
    for syntax in PromptSyntax.allCases {
      let text = try pipeline.encodeText("", negative: "", syntax: syntax)
      #expect(text.unconditional.context.abs().max().item() == 0, "\(syntax)")
      #expect(text.unconditional.pooled.abs().max().item() == 0, "\(syntax)")
      #expect(text.conditional.context.abs().max().item() > 0.1, "\(syntax)")
      #expect(text.conditional.pooled.abs().max().item() > 0.1, "\(syntax)")
      let spaced = try pipeline.encodeText("", negative: "sky", syntax: syntax)
      #expect(spaced.unconditional.context.abs().max().item() > 0.1, "\(syntax)")
    }
  }

  @Test func weightsReachTheTokensOfBothTokenizers() throws {
    try PipelineGolden.withCopy("stable_diffusion_xl") { model in
      // "!!" becomes one token of the first tokenizer, and stays two of the second.
      let folder = model.appendingPathComponent("tokenizer")
      let (merges, vocabulary) = (
        folder.appendingPathComponent("merges.txt"), folder.appendingPathComponent("vocab.json")
      )
      var lines = try String(contentsOf: merges, encoding: .utf8).split(separator: "\n")
      let piece = lines.removeLast().filter { $0 != " " }
      try (lines + ["! !</w>"]).joined(separator: "\n").write(to: merges, atomically: true, encoding: .utf8)
      let table = try String(contentsOf: vocabulary, encoding: .utf8)
      try table.replacingOccurrences(of: "\"\(piece)\"", with: "\"!!</w>\"")
        .write(to: vocabulary, atomically: true, encoding: .utf8)

      let pipeline = try PipelineGolden.pipeline(model)
      let plain = try pipeline.encodeText("a!! red fox", negative: "").conditional
      let weighted = try pipeline.encodeText("a!! (red:1.5) fox", negative: "", syntax: .weighted).conditional
      let ratio = (weighted.context / plain.context)[0..<1]
      let before = pipeline.conditioner.ids(of: "a!!").ids.map { $0.count - 1 }
      #expect(before == [3, 4])
      for (part, range) in [0..<16, 16..<28].enumerated() {
        let factors: [Float] = ratio.narrowed(2, range.lowerBound, range.count).mean([2]).elements()
        let word = pipeline.conditioner.ids(of: "red").ids[part].count - 2
        // The mean is restored, by a factor that the token at the beginning shows.
        let changed = factors.indices.filter { abs(factors[$0] / factors[0] - 1.5) < 1e-3 }
        #expect(changed == Array(before[part]..<before[part] + word), "part \(part)")
      }
      #expect(weighted.pooled.maxDifference(plain.pooled) < 1e-4)
    }
  }

  @Test func thePooledTextOfBrokenPromptsIsThatOfTheFirst() throws {
    let pipeline = try PipelineGolden.pipeline(model)
    let broken = try pipeline.encodeText("a fox BREAK a dog", negative: "", syntax: .weighted).conditional
    let first = try pipeline.encodeText("a fox", negative: "").conditional
    #expect(broken.context.shape[1] == 2 * 77 && broken.pooled.shape == first.pooled.shape)
    #expect(broken.pooled.maxDifference(first.pooled) < 1e-5)
  }

  @Test func aWrittenDirectoryAndOneOfASingleFileDrawTheSame() throws {
    let request = try PipelineGolden("stable_diffusion_xl").request(4)
    let drawn = try PipelineGolden.pipeline(model).generate(request).image
    try Project.inTemporaryFolder { folder in
      for files in [try StableDiffusionFiles(model), try PipelineGolden.files("stable_diffusion_xl", textHeadWidth: 4)]
      {
        let target = folder.appendingPathComponent("written")
        try StableDiffusionModel(files, vocabulary: PipelineGolden.vocabulary).save(to: target, from: files)
        #expect(StableDiffusionFiles.className(target) == "StableDiffusionXLPipeline")
        #expect(try PipelineGolden.pipeline(target).generate(request).image == drawn)
        try FileManager.default.removeItem(at: target)
      }
    }
  }

  @Test func theAutoencoderStaysInFloat32() throws {
    let half = try Pipeline(
      model: model, textEncoder: Project.minilm, vocabulary: PipelineGolden.vocabulary, precision: .bfloat16)
    #expect(half.model.unet.parameters.allSatisfy { $0.tensor.dtype == .bfloat16 })
    let latents = Tensor.randn([1, 4, 8, 8], generator: Generator(seed: 1))
    let exact = try PipelineGolden.pipeline(model).model.decode(latents)
    #expect(half.model.decode(latents).maxDifference(exact) == 0)
    let request = GenerationRequest(prompt: "a fox", steps: 3, width: 48, height: 32)
    #expect(try half.generate(request).image.width == 48)
  }

  @Test func anAutoencoderOfItsOwnFileHasTheFactorOfXL() throws {
    #expect(try StableDiffusionFiles(model).family() == .xl)
    #expect(try StableDiffusionFiles(Project.golden("stable_diffusion/model")).family() == .stable1)
  }
}
