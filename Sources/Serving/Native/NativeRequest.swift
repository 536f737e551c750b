import Flux
import Images
import Support

/// The body of `POST /flux/v1/jobs`; a field that is not known is an error.
enum NativeRequest {
  /// The order that a body describes.
  static func order(_ body: [UInt8], _ service: FluxService) throws(RequestError) -> ImageOrder {
    let limits = service.limits
    var reader = try FieldReader(body: body)
    var draft = OrderDraft(policy: .strict)
    draft.count = try reader.int("count", 1...limits.images) ?? 1
    if let name = try reader.string("format") {
      guard let format = ImageFile(ending: name) else {
        throw RequestError("the format is \"\(name.prefix(40))\", expected png, jpg or webp", field: "format")
      }
      draft.format = format
    }
    draft.quality = try reader.int("quality", 1...100) ?? draft.quality
    draft.previewSteps = try reader.int("preview_every", 0...limits.steps) ?? 0
    draft.hasMetadata = try reader.bool("metadata") ?? true
    guard var request = try reader.object("request") else {
      throw RequestError("request is missing: an object with a prompt", field: "request", code: "missing")
    }
    try NativeEdit.read(&reader, &request, into: &draft, limits)
    try refuseUnknown(reader, in: "")
    try read(&request, into: &draft, limits)
    try refuseUnknown(request, in: "request.")
    return try draft.order(service.catalog, limits, strictModel: true)
  }

  private static func read(
    _ reader: inout FieldReader, into draft: inout OrderDraft, _ limits: ServerLimits
  ) throws(RequestError) {
    guard let prompt = try reader.string("prompt", longest: limits.promptLength) else {
      throw RequestError("request.prompt is missing", field: "prompt", code: "missing")
    }
    draft.prompt = prompt
    draft.negativePrompt = try reader.string("negative_prompt", longest: limits.promptLength) ?? ""
    draft.model = try reader.string("model")
    draft.fast = try reader.bool("fast") ?? false
    draft.seed = try reader.int("seed", OrderDraft.seeds)
    draft.steps = try reader.int("steps", 1...limits.steps)
    draft.sampler = try reader.string("sampler")
    draft.scheduler = try reader.string("scheduler")
    draft.guidanceScale = try reader.number("cfg_scale", 0...100)
    draft.guidanceRescale = try reader.number("cfg_rescale", 0...1)
    draft.eta = try reader.number("eta", 0...1)
    let (width, height) = (try reader.int("width", 1...16_384), try reader.int("height", 1...16_384))
    guard (width == nil) == (height == nil) else {
      throw RequestError(
        "request has one of width and height: give both or none", field: width == nil ? "width" : "height")
    }
    if let width, let height { draft.size = PixelSize(width: width, height: height) }
    draft.largeLatents = try reader.bool("large_latents") ?? false
    if let name = try reader.string("upscaler") {
      guard let upscaler = Upscaler(rawValue: name) else {
        throw RequestError("the upscaler is \"\(name.prefix(40))\", expected decoder or lanczos", field: "upscaler")
      }
      draft.upscaler = upscaler
    }
  }

  /// Throws for a field that nobody read.
  static func refuseUnknown(_ reader: FieldReader, in path: String) throws(RequestError) {
    guard let name = reader.unread.first else { return }
    throw RequestError("\(path)\(name.prefix(60)) is not a field of this request", field: name, code: "unknown_field")
  }
}
