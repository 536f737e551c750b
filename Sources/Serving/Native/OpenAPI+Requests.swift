import Diffusion
import Flux
import Images
import Support

/// The bodies of requests.
///
/// `null` is the same as a missing field, except in forms, whose values are text.
extension OpenAPI {
  static func requests(_ limits: ServerLimits) -> [(key: String, value: JSONValue)] {
    let fields = RequestFields(limits: limits)
    return [
      ("Job", fields.job), ("Tokens", object([("prompt", fields.prompt), ("model", .text)])),
      ("Generation", object([("prompt", fields.prompt)] + fields.generation, required: ["prompt"])),
      (
        "Edit",
        object(
          [
            ("prompt", fields.prompt), ("images", fields.imageReferences),
            ("mask", ["anyOf": [fields.imageReference, ["type": "null"]]]),
          ]
            + fields.edit + fields.generation, required: ["prompt", "images"])
      ),
      (
        "EditForm",
        object(
          [("prompt", fields.prompt), ("image", .anyFile), ("mask", .anyFile)]
            + withoutNull(fields.edit + fields.generation), required: ["prompt", "image"])
      ),
      (
        "Variation",
        object([("images", fields.imageReferences)] + fields.variation, required: ["images"])
      ),
      (
        "VariationForm",
        object([("image", .anyFile)] + withoutNull(fields.variation), required: ["image"])
      ),
      ("TextToImage", object(fields.webUI + fields.second)), ("ImageToImage", fields.imageToImage),
      ("PNGInfo", object([("image", .image)], required: ["image"])),
      ("Settings", object([("sd_model_checkpoint", .text)])),
    ]
  }

  /// An object; with `others` it may have further fields.
  static func object(
    _ properties: [(key: String, value: JSONValue)], required: [String] = [], others: Bool = true
  ) -> JSONValue {
    [
      "type": "object", "properties": .object(properties), "required": .strings(required),
      "additionalProperties": .bool(others),
    ]
  }

  /// The same fields where `null` is no value.
  private static func withoutNull(_ fields: [(key: String, value: JSONValue)]) -> [(key: String, value: JSONValue)] {
    fields.map { field in
      guard case .object(let schema) = field.value else { return field }
      let kept = schema.map { entry -> (key: String, value: JSONValue) in
        guard entry.key == "type" || entry.key == "enum", let values = entry.value.array else { return entry }
        let others = values.filter { !$0.isNull && $0.string != "null" }
        return (entry.key, entry.key == "type" && others.count == 1 ? others[0] : .array(others))
      }
      return (field.key, .object(kept))
    }
  }
}

extension JSONValue {
  fileprivate static let text: JSONValue = ["type": ["string", "null"], "maxLength": 1000]
  fileprivate static let flag: JSONValue = ["type": ["boolean", "null"]]

  /// A switch of the web UI, which may be a number.
  fileprivate static let either: JSONValue = ["enum": [true, false, 1, 0, .null]]
  /// PNG, JPEG or WebP.
  fileprivate static let image: JSONValue = [
    "type": "string", "format": "image", "description": "Base64 or a data: URL.",
  ]

  /// The same as a `data:` URL only.
  fileprivate static let imageURL: JSONValue = ["type": "string", "format": "image-url"]

  fileprivate static func whole(_ range: ClosedRange<Int>) -> JSONValue {
    ["type": ["integer", "null"], "minimum": .int(range.lowerBound), "maximum": .int(range.upperBound)]
  }

  fileprivate static func real(_ range: ClosedRange<Int>) -> JSONValue {
    ["type": ["number", "null"], "minimum": .int(range.lowerBound), "maximum": .int(range.upperBound)]
  }

  fileprivate static func choice(_ names: [String]) -> JSONValue {
    ["type": ["string", "null"], "enum": .array(names.map { .string($0) } + [.null])]
  }
}

/// The fields of requests, with the limits of a server.
private struct RequestFields {
  let limits: ServerLimits

  var prompt: JSONValue { ["type": "string", "maxLength": .int(limits.promptLength)] }
  private var optionalPrompt: JSONValue { ["type": ["string", "null"], "maxLength": .int(limits.promptLength)] }
  private var seed: JSONValue { .whole(OrderDraft.seeds) }
  private var steps: JSONValue { .whole(1...limits.steps) }
  private let side = JSONValue.whole(1...16_384)

  /// The samplers that the interfaces list; further spellings of other programs are read, too.
  private let samplers = JSONValue.choice(SamplerKind.allCases.flatMap { [$0.rawValue, $0.displayName] })
  private let spacings = JSONValue.choice(Spacing.allCases.flatMap { [$0.rawValue, $0.displayName] } + ["Automatic"])

  // MARK: - Flux

  var job: JSONValue {
    OpenAPI.object(
      [
        ("kind", .choice(ImageOrder.Kind.allCases.map(\.rawValue))), ("count", .whole(1...limits.images)),
        ("format", .choice(["png", "jpg", "jpeg", "webp"])), ("quality", .whole(1...100)),
        ("preview_every", .whole(0...limits.steps)), ("metadata", .flag), ("request", request),
        ("images", OpenAPI.object([("init", .image), ("mask", .image)], required: ["init"], others: false)),
      ], required: ["request"], others: false)
  }

  private var request: JSONValue {
    var request = OpenAPI.object(
      [
        ("prompt", prompt), ("negative_prompt", optionalPrompt), ("model", .text), ("fast", .flag), ("seed", seed),
        ("steps", steps), ("sampler", samplers), ("scheduler", spacings), ("cfg_scale", .real(0...100)),
        ("cfg_rescale", .real(0...1)), ("eta", .real(0...1)), ("width", side), ("height", side),
        ("upscaler", .choice(Upscaler.allCases.map(\.rawValue))), ("large_latents", .flag),
        ("strength", .real(0...1)), ("fit", .choice(ImageFit.allCases.map(\.rawValue))), ("mask_invert", .flag),
        ("mask_blur", .whole(0...256)), ("mask_fill", .choice(Inpainting.Fill.allCases.map(\.rawValue))),
        ("mask_crop", .flag), ("mask_padding", .whole(0...16_384)),
        ("variation_seed", .whole(0...OrderDraft.seeds.upperBound)), ("variation_strength", .real(0...1)),
      ], required: ["prompt"], others: false)
    if case .object(let fields) = request {
      request = .object(
        fields + [
          (
            "description",
            """
            width and height, and variation_seed and variation_strength, go together; strength and fit need images.init, \
            fields of masks images.mask; sizes are those that the model draws.
            """
          )
        ])
    }
    return request
  }

  // MARK: - OpenAI

  var imageReference: JSONValue { OpenAPI.object([("image_url", .imageURL)], required: ["image_url"]) }
  var imageReferences: JSONValue { ["type": "array", "items": imageReference, "minItems": 1, "maxItems": 1] }

  /// Fields of OpenAI's interface that are there with and without an image.
  var generation: [(key: String, value: JSONValue)] {
    [
      ("model", .text), ("n", .whole(1...10)),
      ("size", ["type": ["string", "null"], "pattern": "^([1-9][0-9]{0,4}x[1-9][0-9]{0,4}|auto)$"]),
      ("quality", .choice(["auto", "low", "medium", "high", "standard", "hd"])),
      ("response_format", .choice(["url", "b64_json"])), ("output_format", .choice(["png", "jpeg", "webp"])),
      ("output_compression", .whole(0...100)), ("background", .choice(["auto", "opaque"])), ("stream", .flag),
      ("partial_images", .whole(0...3)), ("seed", seed), ("steps", steps), ("num_inference_steps", steps),
      ("cfg_scale", .real(0...100)), ("guidance_scale", .real(0...100)), ("negative_prompt", optionalPrompt),
      ("sampler", samplers), ("scheduler", .text), ("moderation", .text), ("style", .text), ("user", .text),
    ]
  }

  var edit: [(key: String, value: JSONValue)] {
    [("input_fidelity", .choice(["low", "high"])), ("strength", .real(0...1))]
  }

  /// Variations are not streamed.
  var variation: [(key: String, value: JSONValue)] {
    [("prompt", optionalPrompt), ("strength", .real(0...1))] + generation.filter { $0.key != "stream" }
  }

  // MARK: - AUTOMATIC1111

  /// Fields of the web UI's interface that are there with and without an image.
  var webUI: [(key: String, value: JSONValue)] {
    let overrides: [(key: String, value: JSONValue)] = [
      ("sd_model_checkpoint", .text), ("samples_format", .text),
      ("show_progress_every_n_steps", .whole(-1...limits.steps)),
    ]
    return [
      ("prompt", optionalPrompt), ("negative_prompt", optionalPrompt), ("seed", seed), ("subseed", seed),
      ("subseed_strength", .real(0...1)), ("steps", steps), ("cfg_scale", .real(0...100)), ("width", side),
      ("height", side), ("sampler_name", samplers), ("sampler_index", samplers), ("scheduler", .text),
      ("batch_size", .whole(1...limits.images)), ("n_iter", .whole(1...limits.images)), ("eta", .real(0...1)),
      ("send_images", .flag),
      (
        "override_settings",
        ["type": ["object", "null"], "properties": .object(overrides), "additionalProperties": true]
      ),
    ]
  }

  /// Fields of the web UI's second pass.
  var second: [(key: String, value: JSONValue)] {
    [
      ("enable_hr", .flag), ("hr_scale", .real(1...16)), ("hr_resize_x", .whole(0...16_384)),
      ("hr_resize_y", .whole(0...16_384)),
    ]
  }

  var imageToImage: JSONValue {
    OpenAPI.object(
      [
        ("init_images", ["type": "array", "items": .image, "minItems": 1, "maxItems": 1]),
        ("denoising_strength", .real(0...1)), ("resize_mode", .whole(0...3)),
        ("mask", ["type": ["string", "null"], "format": "image"]), ("mask_blur", .whole(0...256)),
        ("mask_blur_x", .whole(0...256)), ("mask_blur_y", .whole(0...256)), ("inpainting_fill", .whole(0...3)),
        ("inpainting_mask_invert", .either), ("inpaint_full_res", .either),
        ("inpaint_full_res_padding", .whole(0...16_384)), ("include_init_images", .flag),
      ] + webUI, required: ["init_images"])
  }
}
