import Diffusion
import Foundation
import Models
import TestSupport
import Testing
import Torch

@testable import Flux

/// Whole pipelines against diffusers; Tools/golden/stable_diffusion.py says how the pictures were made.
@Suite struct StableDiffusionTests {
  private let model = Project.golden("stable_diffusion/model")

  @Test func picturesAreThoseOfDiffusers() throws {
    let golden = try PipelineGolden("stable_diffusion")
    try #require(golden.cases.count >= 12)
    try golden.compare { try PipelineGolden.pipeline(model, .init(clipSkip: $0.clipSkip ?? 0)) }
  }

  @Test func aSingleFileDrawsWhatItsDirectoryDraws() throws {
    let golden = try PipelineGolden("stable_diffusion")
    let single = try PipelineGolden.single("stable_diffusion", heads: 2, textHeadWidth: 8)
    for example in [golden.cases[0], golden.cases[9]] {
      let request = try golden.request(example)
      let expected = try PipelineGolden.pipeline(model).generate(request).image
      #expect(try single.generate(request).image == expected, "\(example)")
    }
  }

  @Test func weightsChangeThePictureAndNeutralOnesDoNot() throws {
    let pipeline = try PipelineGolden.pipeline(model)
    func latents(_ prompt: String, _ syntax: PromptSyntax) throws -> Tensor {
      try pipeline.encodeText(prompt, negative: "", syntax: syntax).conditional.context
    }
    let plain = try latents("a red fox", .plain)
    #expect(try latents("a red fox", .weighted).maxDifference(plain) == 0)
    let weighted = try latents("a (red:1.5) fox", .weighted)
    #expect(try latents("a (red:1.0) fox", .weighted).maxDifference(plain) == 0)
    #expect(weighted.shape == plain.shape && weighted.maxDifference(plain) > 0.1)
    #expect(abs(weighted.mean().item() - plain.mean().item()) < 1e-6, "the mean is kept")
    #expect(try latents("a BREAK fox", .weighted).shape[1] == 2 * 77)
  }

  @Test func aLongWeightedPromptIsReadInChunks() throws {
    let pipeline = try PipelineGolden.pipeline(model)
    let one = pipeline.conditioner.ids(of: "fox").ids[0].count - 2  // tokens of the word
    let words = 2 * 75 / one + 1
    let (fitting, long) = (
      String(repeating: "fox ", count: 75 / one), String(repeating: "fox ", count: words)
    )
    let text = try pipeline.encodeText(long, negative: "sky", syntax: .weighted)
    #expect(text.dropped.isEmpty && text.conditional.context.shape[1] == (words * one + 74) / 75 * 77)
    #expect(text.conditional.pooled.shape[0] == 1)
    #expect(pipeline.words(of: WeightedPrompt(long)).dropped.isEmpty)
    if 75.isMultiple(of: one) {
      let first = try pipeline.encodeText(fitting, negative: "").conditional
      #expect(text.conditional.context.narrowed(1, 0, 77).maxDifference(first.context) < 1e-5)
      #expect(text.conditional.pooled.maxDifference(first.pooled) < 1e-5)
    }
    // The negative prompt's missing chunks are masked: they are as if they were not there.
    #expect(text.unconditional.mask.sum([1]).item() == 77)
    #expect(try pipeline.encodeText(long, negative: "").dropped.count > 0, "a plain prompt is cut")
    let request = GenerationRequest(
      prompt: long, steps: 2, guidance: Guidance(scale: 3), width: 48, height: 32, promptSyntax: .weighted)
    #expect(throws: Never.self) { try pipeline.generate(request) }
  }
}

extension Tensor {
  /// The largest absolute difference from a tensor of the same shape.
  func maxDifference(_ other: Tensor) -> Double { (self - other).abs().max().item() }
}
