import Diffusion
import Flux
import Foundation
import Images
import Models
import TestSupport
import Testing
import Torch

/// Whole pipelines against diffusers; Tools/golden/stable_diffusion.py says how the pictures were made.
@Suite struct StableDiffusionTests {
  struct Case: Decodable, CustomStringConvertible {
    let kind: String
    let sampler: SamplerKind
    let steps: Int
    let seed: UInt64
    let guidance: Double
    let karras: Bool?
    let clipSkip: Int?
    let strength: Double?

    var description: String { "\(kind) \(sampler) seed \(seed)" }
  }

  private let model = Project.golden("stable_diffusion/model")
  private let images: SafetensorsFile

  init() throws { images = try SafetensorsFile(Project.golden("stable_diffusion/images.safetensors")) }

  private func picture(_ name: String, _ channels: Image.Channels) throws -> Image {
    let tensor = try images.tensor(name)
    return Image(width: tensor.shape[1], height: tensor.shape[0], channels: channels, pixels: tensor.bytes())
  }

  private func pipeline(_ options: StableDiffusionModel.Options = .init(), _ model: URL? = nil) throws -> Pipeline {
    try Pipeline(
      model: model ?? self.model, textEncoder: Project.minilm, vocabulary: Project.golden("clip_tokenizer/toy"),
      options: options)
  }

  private func request(_ example: Case) throws -> GenerationRequest {
    var edit: ImageEdit?
    if let strength = example.strength {
      edit = ImageEdit(
        image: try picture("photo", .rgb), strength: strength,
        mask: example.kind == "inpaint" ? try picture("mask", .gray) : nil,
        inpainting: Inpainting(blur: 0, crop: false))
    }
    return GenerationRequest(
      prompt: try #require(images.metadata["prompt"]), negativePrompt: try #require(images.metadata["negative"]),
      seed: example.seed, steps: example.steps, sampler: example.sampler,
      spacing: example.karras == true ? .karras : nil, guidance: Guidance(scale: example.guidance), width: 48,
      height: 32, edit: edit)
  }

  private func cases() throws -> [Case] {
    try #require(images.metadata["cases"]).split(separator: "\n")
      .map { try JSONDecoder().decode(Case.self, from: Data($0.utf8)) }
  }

  @Test func picturesAreThoseOfDiffusers() throws {
    let examples = try cases()
    try #require(examples.count >= 12)
    for (index, example) in examples.enumerated() {
      let pipeline = try pipeline(.init(clipSkip: example.clipSkip ?? 0))
      let drawn = try pipeline.generate(request(example)).image
      let expected = try picture("case\(index)", .rgb)
      // What a mask keeps comes back byte-equal here, and through the decoder there.
      let redrawn = example.kind == "inpaint" ? try picture("mask", .gray).pixels.map { $0 != 0 } : nil
      let differences = drawn.pixels.indices.filter { redrawn?[$0 / 3] ?? true }
        .map { abs(Int(drawn.pixels[$0]) - Int(expected.pixels[$0])) }
      #expect(differences.max() ?? 255 <= 1, "\(example): \(differences.max() ?? 0)")
    }
  }
}
