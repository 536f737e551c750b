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
  /// Why the pixels cannot be decoded; nil if they can.
  let fault: String?
  private let kind: ImageFile
  private let size: (width: Int, height: Int)
  private let pixels: Image?

  /// Reads and decodes the bytes of a file.
  ///
  /// Metadata comes before the pixels, so that a file that was cut off can still have it; throws if it has none.
  init(_ bytes: [UInt8], file: String) throws {
    texts = ImageFile.texts(in: bytes)
    metadata = ImageMetadata(texts)
    do {
      let image = try ImageFile.decode(bytes, file: file)
      (pixels, size, fault) = (image, (image.width, image.height), nil)
    } catch {
      guard metadata != nil, let stated = ImageFile.size(bytes) else { throw error }
      (pixels, size, fault) = (nil, stated, "\(error)")
    }
    guard let kind = ImageFile(bytes) else { fatalError("an image with a size has a format") }
    self.kind = kind
  }

  /// The text in AUTOMATIC1111's format; nil without one.
  var parameters: String? { texts.first { $0.keyword == "parameters" }?.text }

  /// All facts, with the settings as far as they are stated.
  var facts: Facts {
    var facts = Facts()
    facts.add("kind", "image")
    facts.add("format", kind.rawValue)
    facts.add("size", "\(size.width)x\(size.height)")
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
      if pixels == nil { facts.add("pixels", "unreadable") }
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
      if !edit.isInpainting || request.width != nil { facts.add("fit", edit.fit.rawValue) }
      facts.add("mask", edit.mask?.hash)
      if !edit.extend.isEmpty { facts.add("extend", edit.extend.description) }
      if edit.isInpainting {
        let settings = edit.inpainting
        if settings.isInverted { facts.add("mask_invert", .bool(true)) }
        facts.add("mask_blur", settings.blur)
        facts.add("mask_fill", settings.fill.rawValue)
        facts.add("mask_crop", .bool(settings.crop))
        if settings.crop { facts.add("mask_padding", settings.padding) }
      }
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
      facts.add("threads", run.threads)
      facts.add("precision", run.precision?.rawValue)
      facts.add("libtorch", run.libtorch)
    }
    facts.add("version", "flux \(record.version)")
    let state = pixels.map { ImageRecord.hash(of: $0) == record.pixelsHash ? "intact" : "altered" }
    facts.add("pixels", state ?? "unreadable")
  }
}
