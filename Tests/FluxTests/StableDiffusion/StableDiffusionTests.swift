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
    #expect(try latents("a BREAK fox", .weighted).shape[1] == 2 * 77)
  }
}

extension Tensor {
  /// The largest absolute difference from a tensor of the same shape.
  func maxDifference(_ other: Tensor) -> Double { (self - other).abs().max().item() }
}
