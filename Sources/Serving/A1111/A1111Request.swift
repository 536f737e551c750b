import Diffusion
import Flux
import Images
import Support

/// The body of `POST /sdapi/v1/txt2img` or `img2img`.
///
/// Every field that clients of the web UI send is accepted; the answer says which of them have no effect.
struct A1111Request {
  /// What is drawn.
  let order: ImageOrder
  /// Whether the answer holds the images.
  let sendsImages: Bool
  /// The fields as they came, for the answer.
  let fields: [(key: String, value: JSONValue)]

  /// Reads a body, with an init image if it is that of `img2img`.
  init(_ body: [UInt8], hasImage: Bool, _ service: FluxService) throws(RequestError) {
    let limits = service.limits
    var reader = try FieldReader(body: body)
    let returnsImages = hasImage ? try reader.bool("include_init_images") ?? false : false
    fields = returnsImages ? reader.fields : reader.fields.filter { !["init_images", "mask"].contains($0.key) }
    try Self.refuseScripts(&reader)
    var draft = OrderDraft(policy: service.options.sizePolicy)
    draft.prompt = try reader.string("prompt", longest: limits.promptLength) ?? ""
    draft.negativePrompt = try reader.string("negative_prompt", longest: limits.promptLength) ?? ""
    draft.seed = try reader.int("seed", -1...OrderDraft.seeds.upperBound)
    draft.steps = try reader.int("steps", 1...limits.steps)
    draft.guidanceScale = try reader.number("cfg_scale", 0...100)
    let index = try reader.string("sampler_index")
    draft.sampler = try reader.string("sampler_name") ?? index
    draft.scheduler = try reader.string("scheduler")
    try Self.readEta(&reader, into: &draft)
    try Self.readCount(&reader, into: &draft, limits)
    try Self.readVariation(&reader, into: &draft)
    if hasImage {
      try A1111Edit.read(&reader, into: &draft, service)
    } else {
      try Self.readSize(&reader, into: &draft, service)
    }
    sendsImages = try reader.bool("send_images") ?? true
    draft.model = service.selectedModel.withLock { $0 }
    try Self.readOverrides(&reader, into: &draft, service, limits)
    Self.skipNeutral(&reader)
    draft.ignored += reader.unread
    do throws(RequestError) {
      order = try draft.order(service.catalog, limits)
    } catch {
      guard error.field == "sampler" else { throw error }
      throw RequestError(error.message, field: "sampler_name", code: "sampler_not_found")
    }
  }

  private static func refuseScripts(_ reader: inout FieldReader) throws(RequestError) {
    if let name = try reader.string("script_name"), !name.isEmpty {
      throw RequestError("Script '\(name.prefix(80))' not found", code: "script_not_found", status: 422)
    }
    if let scripts = try reader.object("alwayson_scripts"), let first = scripts.fields.first {
      throw RequestError("always on script \(first.key.prefix(80)) not found", code: "script_not_found", status: 422)
    }
    _ = reader.value("script_args")
  }

  /// The second seed: −1 is a random one, and without strength it has no effect.
  private static func readVariation(_ reader: inout FieldReader, into draft: inout OrderDraft) throws(RequestError) {
    let seed = try reader.int("subseed", -1...OrderDraft.seeds.upperBound) ?? -1
    guard let strength = try reader.number("subseed_strength", 0...1), strength > 0 else { return }
    draft.variation = Variation(seed: UInt64(exactly: seed) ?? OrderDraft.randomSeed(), strength: strength)
  }

  /// Eta only matters to DDIM; clients of the web UI send 1 with every sampler.
  private static func readEta(_ reader: inout FieldReader, into draft: inout OrderDraft) throws(RequestError) {
    guard let eta = try reader.number("eta", 0...1) else { return }
    if let sampler = draft.sampler, (try? SamplerKind.read(sampler).kind) == .ddim {
      draft.eta = eta
    } else if eta != 0 {
      draft.ignored.append("eta")
    }
  }

  private static func readCount(
    _ reader: inout FieldReader, into draft: inout OrderDraft, _ limits: ServerLimits
  ) throws(RequestError) {
    let size = try reader.int("batch_size", 1...limits.images) ?? 1
    let rounds = try reader.int("n_iter", 1...limits.images) ?? 1
    guard size * rounds <= limits.images else {
      throw RequestError(
        "batch_size times n_iter is \(size * rounds); the limit is \(limits.images)", field: "batch_size")
    }
    draft.count = size * rounds
  }

  /// Width and height; the second pass for large images is one pass here, which renders larger.
  private static func readSize(
    _ reader: inout FieldReader, into draft: inout OrderDraft, _ service: FluxService
  ) throws(RequestError) {
    let own = service.catalog.standard.imageSize
    let (width, height) = (try reader.int("width", 1...16_384), try reader.int("height", 1...16_384))
    var size = PixelSize(width: width ?? own, height: height ?? own)
    let scale = try reader.number("hr_scale", 1...16) ?? 2
    let (x, y) = (try reader.int("hr_resize_x", 0...16_384) ?? 0, try reader.int("hr_resize_y", 0...16_384) ?? 0)
    let isEnlarged = try reader.bool("enable_hr") ?? false
    if isEnlarged {
      if x > 0 || y > 0 {
        size = PixelSize(
          width: x > 0 ? x : size.width * y / size.height, height: y > 0 ? y : size.height * x / size.width)
      } else {
        size = PixelSize(
          width: Int((Double(size.width) * scale).rounded()), height: Int((Double(size.height) * scale).rounded()))
      }
    }
    if width != nil || height != nil || isEnlarged { draft.size = size }
    let second = [
      "hr_upscaler", "hr_second_pass_steps", "hr_checkpoint_name", "hr_sampler_name", "hr_scheduler", "hr_prompt",
      "hr_negative_prompt", "hr_cfg", "denoising_strength",
    ]
    for name in second where reader.value(name) != nil && isEnlarged { draft.ignored.append(name) }
  }

  private static func readOverrides(
    _ reader: inout FieldReader, into draft: inout OrderDraft, _ service: FluxService, _ limits: ServerLimits
  ) throws(RequestError) {
    _ = reader.value("override_settings_restore_afterwards")
    guard var settings = try reader.object("override_settings") else { return }
    if let name = try settings.string("sd_model_checkpoint"), !name.isEmpty {
      if service.catalog.find(name) == nil {
        draft.ignored.append("sd_model_checkpoint")
      } else {
        draft.model = name
      }
    }
    if let name = try settings.string("samples_format"), let format = ImageFile(ending: name) { draft.format = format }
    let steps = try settings.int("show_progress_every_n_steps", -1...limits.steps) ?? 0
    draft.previewSteps = max(0, steps)
    let neutral = ["CLIP_stop_at_last_layers", "sd_vae"]
    for name in neutral { _ = settings.value(name) }
    draft.ignored += settings.unread.map { "override_settings.\($0)" }
  }

  /// Values that say "nothing of this": they are no settings without effect.
  private static func skipNeutral(_ reader: inout FieldReader) {
    for (name, value) in reader.fields {
      let isNeutral =
        switch value {
        case .null, .bool(false): true
        case .string(let text): text.isEmpty
        case .array(let values): values.isEmpty
        case .object(let fields): fields.isEmpty
        case .number(let number, _): number == 0 || number == -1
        case .bool(true): false
        }
      if isNeutral || name == "s_noise" || name == "do_not_save_samples" || name == "do_not_save_grid" {
        _ = reader.value(name)
      }
    }
  }
}
