import Diffusion
import Flux
import Foundation
import Images
import Models
import Support
import TestSupport
import Testing
import Torch

@Suite struct UnfinishedImagesTests {
  private struct Stopped: Error {}

  private func untrained() throws -> Pipeline {
    let model = ModelBundle(Preset.tiny.configuration, .random(Generator(seed: 1)))
    return Pipeline(
      model: model, prompts: try PromptEncoder(directory: Project.minilm), source: ModelSource(name: "x", hash: "ab"))
  }

  private func image(_ channels: Image.Channels, _ pixel: (Int) -> UInt8) -> Image {
    Image(width: 64, height: 64, channels: channels, pixels: (0..<64 * 64 * channels.rawValue).map(pixel))
  }

  /// The state after `steps` steps, through a file.
  private func interrupted(
    after steps: Int, _ requests: [GenerationRequest], _ pipeline: Pipeline,
    _ draw: ((DenoisingStep) throws -> Void) throws -> Void
  ) throws -> UnfinishedImages {
    var state: DenoisingState?
    var done = 0
    do {
      try draw { step in
        done += 1
        state = step.state
        if done == steps { throw Stopped() }
      }
    } catch is Stopped {}
    return try Project.inTemporaryFolder { folder in
      let file = folder.appendingPathComponent("a.part.safetensors")
      try UnfinishedImages(try #require(state), of: requests, by: pipeline, command: "call").write(to: file)
      return try UnfinishedImages(file)
    }
  }

  /// Interrupts a request of `count` images after every step, and goes on from a file.
  private func check(_ request: GenerationRequest, count: Int, _ pipeline: Pipeline) throws {
    var steps = 0
    let whole = try pipeline.generate(request, count: count) { _ in steps += 1 }
    for stop in 1...max(1, steps) where steps > 0 {
      let images = try interrupted(after: stop, request.batch(count), pipeline) {
        _ = try pipeline.generate(request, count: count, onStep: $0)
      }
      #expect(images.command == "call" && images.difference(from: request.batch(count), pipeline) == nil)
      let resumed = try pipeline.generate(request, count: count, from: images.state)
      #expect(resumed == whole, "\(request.sampler) after \(stop) steps")
    }
  }

  @Test(arguments: SamplerKind.allCases) func anImageGoesOnFromAFileAfterEveryStep(_ sampler: SamplerKind) throws {
    let request = GenerationRequest(prompt: "a red apple", seed: 5, steps: 5, sampler: sampler, eta: 0.5)
    try check(request, count: 1, untrained())
  }

  @Test(arguments: [SamplerKind.dpmpp_2s, .unipc, .euler_a]) func batchesAndEditsGoOn(_ sampler: SamplerKind) throws {
    let pipeline = try untrained()
    let photo = image(.rgb) { UInt8(truncatingIfNeeded: $0 * 7 + $0 / 99) }
    let mask = image(.gray) { $0 % 64 < 32 ? 255 : 0 }
    var request = GenerationRequest(prompt: "a", negativePrompt: "b", seed: 5, steps: 5, sampler: sampler)
    try check(request, count: 3, pipeline)
    request.variation = Variation(seed: 9, strength: 0.4)
    try check(request, count: 2, pipeline)
    for fill in Inpainting.Fill.allCases {
      request.edit = ImageEdit(image: photo, strength: 0.6, mask: mask, inpainting: Inpainting(fill: fill))
      try check(request, count: 2, pipeline)
    }
    request.edit = ImageEdit(image: photo, strength: 0.6)
    try check(request, count: 1, pipeline)
  }

  @Test func imagesOfSeveralPromptsGoOn() throws {
    let pipeline = try untrained()
    let requests = ["a boat", "a much longer prompt with a cat"].map {
      GenerationRequest(prompt: $0, seed: 3, steps: 4, sampler: .euler_a)
    }
    let whole = try pipeline.generate(together: requests)
    for stop in 1...4 {
      let images = try interrupted(after: stop, requests, pipeline) {
        _ = try pipeline.generate(together: requests, onStep: $0)
      }
      #expect(images.difference(from: requests, pipeline) == nil)
      #expect(try pipeline.generate(together: requests, from: images.state) == whole)
    }
  }

  @Test(arguments: ["stable_diffusion", "stable_diffusion_xl"])
  func modelsOfStableDiffusionGoOn(_ name: String) throws {
    let golden = try PipelineGolden(name)
    let pipeline = try PipelineGolden.pipeline(Project.golden("\(name)/model"))
    for example in golden.cases.prefix(4) {
      var request = try golden.request(example)
      request.steps = min(request.steps, 5)
      try check(request, count: 2, pipeline)
    }
  }

  @Test func whatDiffersIsNamed() throws {
    let pipeline = try untrained()
    var request = GenerationRequest(prompt: "a cat", seed: 5, steps: 3)
    let images = try interrupted(after: 1, [request], pipeline) { _ = try pipeline.generate(request, onStep: $0) }
    request.seed = 6
    #expect(images.difference(from: [request], pipeline) == "seed: expected 5, found 6")
    #expect(images.difference(from: [request, request], pipeline) == "images: expected 1, found 2")
    request.seed = 5
    let other = Pipeline(
      model: try #require(pipeline.bundle), prompts: try #require(pipeline.prompts),
      source: ModelSource(name: "y", hash: "cd"))
    #expect(
      images.difference(from: [request], other) == "model: expected \"x\" with hash ab, found \"y\" with hash cd")
    request.steps = 4
    #expect(throws: DenoisingStateError.self) { try pipeline.generate(request, count: 1, from: images.state) }
  }

  @Test func aDamagedFileIsRefused() throws {
    let pipeline = try untrained()
    let request = GenerationRequest(prompt: "a cat", seed: 5, steps: 3)
    try Project.inTemporaryFolder { folder in
      let file = folder.appendingPathComponent("a.part.safetensors")
      var state: DenoisingState?
      _ = try pipeline.generate(request) { state = $0.state }
      let images = UnfinishedImages(try #require(state), of: [request], by: pipeline, command: "")
      try images.write(to: file)
      let bytes = [UInt8](try Data(contentsOf: file))
      func refusal(_ bytes: [UInt8]) throws -> String {
        try Data(bytes).write(to: file)
        do throws(CheckpointError) {
          _ = try UnfinishedImages(file)
        } catch { return error.description }
        return "none"
      }
      func replaced(_ text: String, by other: String) -> [UInt8] {
        [UInt8](Data(bytes).replacing(Data(text.utf8), with: Data(other.utf8)))
      }
      #expect(try refusal(bytes) == "none")
      #expect(try refusal(Array(bytes.dropLast())).contains("claims bytes"))
      #expect(try refusal([]).hasSuffix("it is empty"))
      var flipped = bytes
      flipped[bytes.count - 5] ^= 1
      #expect(try refusal(flipped).contains("it is damaged: expected tensors of SHA-256"))
      #expect(try refusal(replaced(#"\"schema\":1"#, by: #"\"schema\":2"#)).hasSuffix("schema: expected 1, found 2"))
      #expect(try refusal(replaced("flux_unfinished", by: "flux_unfinishes")).contains("it holds no unfinished images"))
      #expect(try refusal(replaced(#"\"steps\""#, by: #"\"stepz\""#)).contains("cannot be read by flux"))
      #expect(try refusal(replaced(#""latent""#, by: #""latenz""#)).contains("SHA-256"))
      // Every place where a write could have stopped.
      for length in stride(from: 0, to: bytes.count, by: 97) { #expect(try refusal(Array(bytes[..<length])) != "none") }
    }
  }
}
