import Images
import Support

/// The body of `POST /v1/images/generations`.
///
/// OpenAI's fields, and those that other servers of this interface take beside them: seed, steps, cfg_scale and so on.
struct OpenAIRequest {
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

  init(_ body: [UInt8], _ service: FluxService) throws(RequestError) {
    let limits = service.limits
    var reader = try FieldReader(body: body)
    guard let prompt = try reader.string("prompt", longest: limits.promptLength) else {
      throw RequestError("prompt is missing", field: "prompt", code: "missing_required_parameter")
    }
    var draft = OrderDraft(prompt: prompt, policy: service.options.sizePolicy)
    draft.model = try reader.string("model")
    draft.count = try reader.int("n", 1...10) ?? 1
    quality = try reader.string("quality") ?? "auto"
    isStream = try reader.bool("stream") ?? false
    partialImages = try reader.int("partial_images", 0...3) ?? 0
    wantsURL = try Self.wantsURL(&reader, model: draft.model ?? "")
    if let text = try reader.string("size"), text != "auto" {
      guard let size = PixelSize(text) else {
        throw RequestError("size is \"\(text.prefix(40))\", expected WIDTHxHEIGHT or auto", field: "size")
      }
      draft.size = size
    }
    try Self.readOutput(&reader, into: &draft)
    try Self.readExtras(&reader, into: &draft, limits)
    try Self.apply(
      quality, to: &draft,
      hasStudent: (draft.model.flatMap { service.catalog.find($0) } ?? service.catalog.standard).student != nil)
    if isStream, partialImages > 0 { draft.previewSteps = max(1, (draft.steps ?? 20) / (partialImages + 1)) }
    for name in ["moderation", "style", "user"] where try reader.string(name) != nil { draft.ignored.append(name) }
    draft.ignored += reader.unread
    order = try draft.order(service.catalog, limits, strictModel: service.options.strictModel)
    size = order.size(of: service.catalog.find(order.model) ?? service.catalog.standard)
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
