import Diffusion
import Flux
import Foundation
import Images
import Models
import TestSupport
import Testing
import Torch

@Suite struct VariationTests {
  private func untrained() throws -> Pipeline {
    Pipeline(
      model: ModelBundle(Preset.tiny.configuration, .random(Generator(seed: 1))),
      prompts: try PromptEncoder(directory: Project.minilm), source: ModelSource(name: "x", hash: "ab"))
  }

  private func image(_ pipeline: Pipeline, seed: UInt64, _ variation: Variation?) throws -> Image {
    try pipeline.generate(GenerationRequest(prompt: "a", seed: seed, steps: 2, variation: variation)).image
  }

  @Test func theEndsAreTheImagesOfTheTwoSeeds() throws {
    let pipeline = try untrained()
    let (first, second) = (try image(pipeline, seed: 5, nil), try image(pipeline, seed: 9, nil))
    #expect(try image(pipeline, seed: 5, Variation(seed: 9, strength: 0)) == first)
    #expect(try image(pipeline, seed: 5, Variation(seed: 9, strength: 1)) == second)
    let middle = try image(pipeline, seed: 5, Variation(seed: 9, strength: 0.5))
    #expect(middle != first && middle != second)
  }

  @Test func inABatchTheSeedStaysAndTheSecondOneCounts() throws {
    let request = GenerationRequest(prompt: "a", seed: 5, steps: 2, variation: Variation(seed: .max, strength: 0.3))
    #expect(request.batch(3).map(\.seed) == [5, 5, 5])
    #expect(request.batch(3).map { $0.variation?.seed } == [.max, 0, 1])
    #expect(GenerationRequest(prompt: "a", seed: 5).batch(3).map(\.seed) == [5, 6, 7])
    let pipeline = try untrained()
    let batch = try pipeline.generate(request, count: 2)
    #expect(batch[1].request == request.image(1))
    let alone = try pipeline.generate(request.image(1)).image
    #expect(zip(alone.pixels, batch[1].image.pixels).allSatisfy { abs(Int($0) - Int($1)) <= 1 })
  }

  @Test func aVariationIsRecordedUnlessItIsNone() throws {
    let pipeline = try untrained()
    func text(_ strength: Double) throws -> String {
      try pipeline.generate(
        GenerationRequest(prompt: "a", steps: 1, variation: Variation(seed: 9, strength: strength))
      ).parameters
    }
    #expect(try text(0.25).contains("Variation seed: 9, Variation seed strength: 0.25"))
    #expect(try !text(0).contains("Variation"))
  }
}
