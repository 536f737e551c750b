import Diffusion
import Flux
import Foundation
import Images
import TestSupport
import Testing
import Torch

/// Networks in half precision.
@Suite struct PrecisionTests {
  private let stable = Project.golden("stable_diffusion/model")

  private func pipeline(_ precision: Precision, _ model: URL) throws -> Pipeline {
    try Pipeline(
      model: model, textEncoder: Project.minilm, vocabulary: Project.golden("clip_tokenizer/toy"), precision: precision)
  }

  private let request = GenerationRequest(prompt: "a red fox", steps: 4, guidance: Guidance(scale: 3))

  @Test func halfPrecisionDrawsNearlyTheSamePicture() throws {
    let folder = try Project.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let tiny = folder.appendingPathComponent("model")
    try ModelBundle(Preset.tiny.configuration, .random(Generator(seed: 1))).save(to: tiny)
    for model in [stable, tiny] {
      let exact = try pipeline(.float32, model).generate(request)
      let half = try pipeline(.bfloat16, model).generate(request)
      let differences = zip(exact.image.pixels, half.image.pixels).map { abs(Int($0) - Int($1)) }
      let mean = Double(differences.reduce(0, +)) / Double(differences.count)
      #expect(mean > 0 && mean < 3, "\(model.path): \(mean)")
      #expect(exact.run?.precision == nil && half.run?.precision == .bfloat16)
    }
  }

  @Test func weightsTakeHalfTheMemory() throws {
    let half = try pipeline(.bfloat16, stable)
    #expect(half.model.unet.parameters.allSatisfy { $0.tensor.dtype == .bfloat16 })
    #expect(try pipeline(.float32, stable).model.unet.parameters.allSatisfy { $0.tensor.dtype == .float32 })
  }
}
