import Flux
import Foundation
import Images
import Support

/// The facts about an image file.
struct ImageFacts {
  /// The text entries of the file.
  let texts: [PNGText.Entry]
  /// The settings in them; nil if no program is known by them.
  let metadata: ImageMetadata?
  private let kind: ImageFile
  private let pixels: Image

  /// Reads and decodes a file.
  init(_ file: URL) throws {
    let bytes = try FileSlice(path: file.path).read(limit: 1 << 30)
    pixels = try ImageFile.decode(bytes, file: file.path)
    guard let kind = ImageFile(bytes) else { fatalError("an image that was decoded has a format") }
    self.kind = kind
    texts = ImageFile.texts(in: bytes)
    metadata = ImageMetadata(texts)
  }

  /// The text in AUTOMATIC1111's format; nil without one.
  var parameters: String? { texts.first { $0.keyword == "parameters" }?.text }

  /// All facts, with the settings as far as they are stated.
  var facts: Facts {
    var facts = Facts()
    facts.add("kind", "image")
    facts.add("format", kind.rawValue)
    facts.add("size", "\(pixels.width)x\(pixels.height)")
    guard let metadata else { return facts }
    facts.add("program", metadata.program.rawValue)
    facts.add("prompt", metadata.prompt)
    if !metadata.negativePrompt.isEmpty { facts.add("negative_prompt", metadata.negativePrompt) }
    facts.add("seed", metadata.seed.map { JSONValue.seed($0) })
    facts.add("steps", metadata.steps)
    facts.add("sampler", metadata.sampler)
    facts.add("scheduler", metadata.scheduler)
    facts.add("guidance_scale", metadata.guidanceScale)
    facts.add("model", metadata.model)
    facts.add("model_hash", metadata.modelHash)
    guard let record = metadata.record else {
      let fields = metadata.fields.map { (key: $0.key, value: JSONValue.string($0.value)) }
      if !fields.isEmpty { facts.add("further", .object(fields)) }
      return facts
    }
    add(record, to: &facts)
    return facts
  }

  private func add(_ record: ImageRecord, to facts: inout Facts) {
    let request = record.request
    if request.guidance.rescale != 0 { facts.add("guidance_rescale", request.guidance.rescale) }
    if let interval = request.guidance.interval {
      facts.add("guidance_interval", "\(interval.lowerBound)-\(interval.upperBound)")
    }
    if request.eta != 0 { facts.add("eta", request.eta) }
    facts.add("upscaler", request.upscaler?.rawValue)
    if let variation = request.variation {
      facts.add("variation_seed", JSONValue.seed(variation.seed))
      facts.add("variation_strength", variation.strength)
    }
    if let edit = request.edit {
      facts.add("strength", edit.strength)
      facts.add("init_image", edit.image.hash)
      facts.add("mask", edit.mask?.hash)
    }
    if request.promptSyntax != .plain { facts.add("prompt_syntax", request.promptSyntax.rawValue) }
    if request.largeLatents { facts.add("large_latents", .bool(true)) }
    facts.add("fast", record.model.fast)
    if !record.model.loras.isEmpty {
      facts.add(
        "loras",
        .array(
          record.model.loras.map {
            .object([
              ("name", .string($0.name)), ("scale", .double($0.scale)), ("hash", .string($0.hash)),
            ])
          }))
    }
    if let run = record.run {
      facts.add("device", run.device)
      facts.add("precision", run.precision?.rawValue)
      facts.add("libtorch", run.libtorch)
    }
    facts.add("version", "flux \(record.version)")
    facts.add("pixels", ImageRecord.hash(of: pixels) == record.pixelsHash ? "intact" : "altered")
  }
}
