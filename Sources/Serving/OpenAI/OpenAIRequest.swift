import Images
import Support

/// The body of `POST /v1/images/generations`, `edits` or `variations`.
///
/// OpenAI's fields, and those that other servers of this interface take beside them: seed, steps, cfg_scale and so on.
struct OpenAIRequest {
  /// What images are wanted from.
  enum Purpose {
    /// A prompt.
    case generation
    /// An image, or a part of it, and a prompt.
    case edit
    /// An image.
    case variation
  }

  /// What images are wanted from.
  let purpose: Purpose
  /// What is drawn.
  let order: ImageOrder
  /// Whether the answer holds addresses instead of images.
  let wantsURL: Bool
  /// Whether the answer is a stream of events.
  let isStream: Bool
  /// Number of previews in a stream.
  let partialImages: Int
  /// The quality that was asked for.
  let quality: String
  /// The size that was asked for, or the model's.
  let size: PixelSize

  /// What the names of its events begin with.
  var eventName: String { purpose == .generation ? "image_generation" : "image_edit" }

  init(_ request: ServerRequest, _ purpose: Purpose, _ service: FluxService) throws(RequestError) {
    let limits = service.limits
    self.purpose = purpose
    var draft = OrderDraft(policy: service.options.sizePolicy)
    var reader: FieldReader
    switch purpose {
    case .generation: reader = try FieldReader(body: request.body)
    case .edit, .variation:
      let images = try OpenAIImages(request)
      reader = images.fields
      draft.edit = try images.edit(strength: try Self.strength(&reader, purpose), limits)
      if purpose == .variation { try Self.useStatedPrompt(of: images, &reader, &draft, limits) }
    }
    if purpose != .variation {
      guard let prompt = try reader.string("prompt", longest: limits.promptLength) else {
        throw RequestError("prompt is missing", field: "prompt", code: "missing_required_parameter")
      }
      draft.prompt = prompt
    }
    let statedNegative = draft.negativePrompt
    draft.model = try reader.string("model")
    draft.count = try reader.int("n", 1...10) ?? 1
    quality = try reader.string("quality") ?? "auto"
    isStream = purpose == .variation ? false : try reader.bool("stream") ?? false
    partialImages = try reader.int("partial_images", 0...3) ?? 0
    wantsURL = try Self.wantsURL(&reader, model: draft.model ?? "")
    if let text = try reader.string("size"), text != "auto" {
      guard let size = PixelSize(text) else {
        throw RequestError("size is \"\(text.prefix(40))\", expected WIDTHxHEIGHT or auto", field: "size")
      }
      draft.size = size
    }
    try Self.readOutput(&reader, into: &draft)
    let unguided = draft.guidanceScale
    try Self.readExtras(&reader, into: &draft, limits)
    if draft.negativePrompt.isEmpty { draft.negativePrompt = statedNegative }
    draft.guidanceScale = draft.guidanceScale ?? unguided
    try Self.apply(
      quality, to: &draft,
      hasStudent: (draft.model.flatMap { service.catalog.find($0) } ?? service.catalog.standard).student != nil)
    if isStream, partialImages > 0 {
      let steps = Double(draft.steps ?? 20) * (draft.edit?.strength ?? 1)
      draft.previewSteps = max(1, Int(steps) / (partialImages + 1))
    }
    for name in ["moderation", "style", "user"] where try reader.string(name) != nil { draft.ignored.append(name) }
    draft.ignored += reader.unread
    order = try draft.order(service.catalog, limits, strictModel: service.options.strictModel)
    size = order.size(of: service.catalog.find(order.model) ?? service.catalog.standard)
  }

  /// How much of the image is changed: a fidelity of `high` keeps more of it.
  private static func strength(_ reader: inout FieldReader, _ purpose: Purpose) throws(RequestError) -> Double {
    let strength = try reader.number("strength", 0...1)
    if purpose == .variation { return strength ?? 0.6 }
    switch try reader.string("input_fidelity") {
    case nil, "low": return strength ?? 0.75
    case "high": return strength ?? 0.5
    case let other?:
      throw RequestError("input_fidelity is \"\(other.prefix(40))\", expected low or high", field: "input_fidelity")
    }
  }

  /// Variations have no prompt: the image's own counts, and without one there is no guidance.
  private static func useStatedPrompt(
    of images: OpenAIImages, _ reader: inout FieldReader, _ draft: inout OrderDraft, _ limits: ServerLimits
  ) throws(RequestError) {
    if let prompt = try reader.string("prompt", longest: limits.promptLength) {
      draft.prompt = prompt
    } else if let stated = images.prompts, stated.prompt.unicodeScalars.count <= limits.promptLength,
      stated.negative.unicodeScalars.count <= limits.promptLength
    {
      (draft.prompt, draft.negativePrompt) = stated
    } else {
      draft.guidanceScale = 1
      draft.warnings.append("the image states no prompt: it is varied without one")
    }
  }

  /// `dall-e` models answered with addresses unless asked, and their users read those.
  private static func wantsURL(_ reader: inout FieldReader, model: String) throws(RequestError) -> Bool {
    switch try reader.string("response_format") {
    case "url": return true
    case "b64_json": return false
    case nil: return model.hasPrefix("dall-e")
    case let other?:
      throw RequestError(
        "response_format is \"\(other.prefix(40))\", expected b64_json or url", field: "response_format")
    }
  }

  private static func readOutput(_ reader: inout FieldReader, into draft: inout OrderDraft) throws(RequestError) {
    switch try reader.string("output_format") {
    case nil, "png": draft.format = .png
    case "jpeg": draft.format = .jpeg
    case "webp": draft.format = .webp
    case let other?:
      throw RequestError(
        "output_format is \"\(other.prefix(40))\", expected png, jpeg or webp", field: "output_format")
    }
    if let compression = try reader.int("output_compression", 0...100) { draft.quality = max(1, compression) }
    if let background = try reader.string("background"), background != "auto", background != "opaque" {
      throw RequestError(
        "background is \"\(background.prefix(40))\"; Flux draws opaque images", field: "background",
        code: "unsupported_value")
    }
  }

  private static func readExtras(
    _ reader: inout FieldReader, into draft: inout OrderDraft, _ limits: ServerLimits
  ) throws(RequestError) {
    draft.negativePrompt = try reader.string("negative_prompt", longest: limits.promptLength) ?? ""
    draft.seed = try reader.int("seed", OrderDraft.seeds)
    let steps = try reader.int("num_inference_steps", 1...limits.steps)
    draft.steps = try reader.int("steps", 1...limits.steps) ?? steps
    let scale = try reader.number("guidance_scale", 0...100)
    draft.guidanceScale = try reader.number("cfg_scale", 0...100) ?? scale
    draft.sampler = try reader.string("sampler")
    draft.scheduler = try reader.string("scheduler")
  }

  /// What the words for quality mean: they set the number of steps, unless that was given.
  private static func apply(_ quality: String, to draft: inout OrderDraft, hasStudent: Bool) throws(RequestError) {
    switch quality {
    case "auto", "medium", "standard": break
    case "low":
      if draft.steps == nil, hasStudent { draft.fast = true }
    case "high", "hd": draft.steps = draft.steps ?? 50
    default:
      throw RequestError(
        "quality is \"\(quality.prefix(40))\", expected auto, low, medium, high, standard or hd", field: "quality")
    }
  }
}
