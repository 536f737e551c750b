import Diffusion
import Foundation
import Models
import NN
import TestSupport
import Testing
import Torch

@testable import Flux

@Suite struct WeightedPipelineTests {
  private func pipeline() throws -> Pipeline {
    let model = ModelBundle(Preset.tiny.configuration, .random(Generator(seed: 1)))
    let generator = Generator(seed: 2)  // a new U-Net does not read its context yet
    withNoGrad { for (_, weight) in model.unet.parameters { weight.uniform_(-0.1, 0.1, generator: generator) } }
    return Pipeline(
      model: model, prompts: try PromptEncoder(directory: Project.minilm), source: ModelSource(name: "x", hash: ""))
  }

  private func weighted(_ prompt: String, negative: String = "", _ pipeline: Pipeline) throws
    -> Pipeline.PromptConditioning
  { try pipeline.encodeText(prompt, negative: negative, syntax: .weighted) }

  /// The last latents of two steps.
  private func latents(_ text: Pipeline.PromptConditioning, scale: Double, _ pipeline: Pipeline) throws -> Tensor {
    let request = GenerationRequest(prompt: "", seed: 3, steps: 2, guidance: Guidance(scale: scale))
    var last: Tensor?
    for step in try pipeline.denoise(text, request, count: 2) { last = step.latent }
    return try #require(last)
  }

  @Test func aPromptWithoutSyntaxIsThePlainOne() throws {
    let pipeline = try pipeline()
    let plain = try pipeline.encodeText("a red apple", negative: "blurry sky")
    let other = try weighted("a red apple", negative: "blurry sky", pipeline)
    expectClose(other.conditional.context, plain.conditional.context, atol: 1e-5)
    expectClose(other.conditional.pooled, plain.conditional.pooled, atol: 1e-5)
    expectClose(other.unconditional.pooled, plain.unconditional.pooled, atol: 1e-5)
  }

  @Test func aWeightScalesTheVectorsOfItsTokens() throws {
    let pipeline = try pipeline()
    let plain = try weighted("a red apple", pipeline).conditional.context
    let heavy = try weighted("a (red:1.5) apple", pipeline).conditional.context
    let factors: [Float] = [1, 1, 1.5, 1, 1]  // [CLS] a red apple [SEP]
    expectClose(heavy, plain * Tensor(factors, shape: [1, 5, 1]), atol: 1e-5)
  }

  @Test func breakEncodesWhatFollowsApart() throws {
    let pipeline = try pipeline()
    let both = try weighted("a red apple BREAK a tree", pipeline).conditional
    #expect(both.mask.sum([1]).item() == 5 + 4)
    let second = try weighted("a tree", pipeline).conditional
    expectClose(both.context.narrowed(1, 5, 4), second.context.narrowed(1, 0, 4), atol: 1e-5)
    let long = String(repeating: "apple ", count: 25)
    #expect(try weighted(long, pipeline).dropped.count == 3, "tiny reads 24 tokens")
    #expect(try weighted("\(long.dropLast(24)) BREAK a tree", pipeline).dropped.isEmpty)
  }

  @Test(arguments: [1.0, 3.0]) func halvesOfOnePromptAreThePrompt(_ scale: Double) throws {
    let pipeline = try pipeline()
    let one = try latents(weighted("a red apple", pipeline), scale: scale, pipeline)
    let halves = try latents(weighted("a red apple :0.5 AND a red apple :0.5", pipeline), scale: scale, pipeline)
    expectClose(halves, one, atol: 1e-4)
    let double = try latents(weighted("a red apple AND a tree", pipeline), scale: scale, pipeline)
    #expect((double - one).abs().max([0, 1, 2, 3]).item() > 1e-3)
  }

  @Test func aRequestSaysHowItsPromptIsRead() throws {
    let pipeline = try pipeline()
    let plain = try pipeline.generate(GenerationRequest(prompt: "a (red:1.5) apple", steps: 1))
    let other = try pipeline.generate(GenerationRequest(prompt: "a (red:1.5) apple", steps: 1, promptSyntax: .weighted))
    #expect(plain.image != other.image)
    #expect(other.parameters.contains("Prompt syntax: weighted"))
  }
}
