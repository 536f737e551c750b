import Diffusion
import Foundation
import Images
import TestSupport
import Testing
import Tokenizers
import Torch

@testable import Flux
@testable import Models

/// Pictures that diffusers' pipelines drew, with what they were asked for; Tools/golden says how they were made.
struct PipelineGolden {
  struct Case: Decodable, CustomStringConvertible {
    let kind: String
    let sampler: SamplerKind
    let steps: Int
    let seed: UInt64
    let guidance: Double
    let karras: Bool?
    let clipSkip: Int?
    let strength: Double?
    let prompt: String?
    let negative: String?

    var description: String { "\(kind) \(sampler) seed \(seed)" }
  }

  let images: SafetensorsFile
  let cases: [Case]

  init(_ name: String) throws {
    images = try SafetensorsFile(Project.golden("\(name)/images.safetensors"))
    cases = try #require(images.metadata["cases"]).split(separator: "\n")
      .map { try JSONDecoder().decode(Case.self, from: Data($0.utf8)) }
  }

  func picture(_ name: String, _ channels: Image.Channels = .rgb) throws -> Image {
    let tensor = try images.tensor(name)
    return Image(width: tensor.shape[1], height: tensor.shape[0], channels: channels, pixels: tensor.bytes())
  }

  func request(_ example: Case) throws -> GenerationRequest {
    var edit: ImageEdit?
    if let strength = example.strength {
      edit = ImageEdit(
        image: try picture("photo"), strength: strength,
        mask: example.kind == "inpaint" ? try picture("mask", .gray) : nil,
        inpainting: Inpainting(blur: 0, crop: false))
    }
    return GenerationRequest(
      prompt: try #require(example.prompt ?? images.metadata["prompt"]),
      negativePrompt: example.negative ?? images.metadata["negative"] ?? "", seed: example.seed, steps: example.steps,
      sampler: example.sampler, spacing: example.karras == true ? .karras : nil,
      guidance: Guidance(scale: example.guidance), width: 48, height: 32, edit: edit)
  }

  func request(_ index: Int) throws -> GenerationRequest { try request(cases[index]) }

  /// Draws every case, each with the pipeline that `pipeline` makes, and compares.
  func compare(_ pipeline: (Case) throws -> Pipeline) throws {
    for (index, example) in cases.enumerated() {
      let drawn = try pipeline(example).generate(request(example)).image
      let expected = try picture("case\(index)")
      // What a mask keeps comes back byte-equal here, and through the decoder there.
      let redrawn = example.kind == "inpaint" ? try picture("mask", .gray).pixels.map { $0 != 0 } : nil
      let differences = drawn.pixels.indices.filter { redrawn?[$0 / 3] ?? true }
        .map { abs(Int(drawn.pixels[$0]) - Int(expected.pixels[$0])) }
      #expect(differences.max() ?? 255 <= 1, "case \(index), \(example): \(differences.max() ?? 0)")
    }
  }

  static let vocabulary = Project.golden("clip_tokenizer/toy")

  static func pipeline(_ model: URL, _ options: StableDiffusionModel.Options = .init()) throws -> Pipeline {
    try Pipeline(model: model, textEncoder: Project.minilm, vocabulary: vocabulary, options: options)
  }

  /// Runs `body` with a copy of the model directory of a golden.
  static func withCopy(_ name: String, _ body: (URL) throws -> Void) throws {
    try Project.inTemporaryFolder { folder in
      let model = folder.appendingPathComponent("model")
      try FileManager.default.copyItem(at: Project.golden("\(name)/model"), to: model)
      try body(model)
    }
  }

  /// Changes entries of a JSON file.
  static func edit(_ file: URL, _ entries: [String: Any]) throws {
    var table = try #require(JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
    table.merge(entries) { $1 }
    try JSONSerialization.data(withJSONObject: table).write(to: file)
  }

  /// The model in one file, whose networks are smaller than those that such files have.
  static func files(_ name: String, heads: Int = 8, textHeadWidth: Int) throws -> StableDiffusionFiles {
    var assumed = CheckpointAssumptions()
    (assumed.heads, assumed.headWidth, assumed.textHeadWidth) = (heads, 4, textHeadWidth)
    (assumed.groups, assumed.sizeWidth) = (4, 8)
    assumed.endToken = Int(try CLIPTokenizer(directory: vocabulary).endID)
    let url = Project.golden("\(name)/single.safetensors")
    return .file(url, try SingleFileCheckpoint(url, assuming: assumed))
  }

  /// A pipeline over that file.
  static func single(_ name: String, heads: Int = 8, textHeadWidth: Int) throws -> Pipeline {
    let files = try files(name, heads: heads, textHeadWidth: textHeadWidth)
    return Pipeline(
      model: try StableDiffusionModel(files, vocabulary: vocabulary), source: ModelSource(name: "x", hash: ""))
  }
}
