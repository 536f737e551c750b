import Flux
import Support

/// The bodies of answers.
///
/// They are complete: a field that is not here is in no answer.
extension OpenAPI {
  private typealias Fields = [(key: String, value: JSONValue)]

  private static let text: JSONValue = ["type": "string"]
  private static let whole: JSONValue = ["type": "integer"]
  private static let count: JSONValue = ["type": "integer", "minimum": 0]
  private static let number: JSONValue = ["type": "number"]
  private static let flag: JSONValue = ["type": "boolean"]
  private static let (noText, noNumber, noCount): (JSONValue, JSONValue, JSONValue) = (
    ["type": ["string", "null"]], ["type": ["number", "null"]], ["type": ["integer", "null"], "minimum": 0]
  )
  private static let texts = list(text)

  private static func list(_ items: JSONValue) -> JSONValue { ["type": "array", "items": items] }

  /// An object that has all of these fields and no others.
  private static func all(_ fields: Fields) -> JSONValue {
    object(fields, required: fields.map(\.key), others: false)
  }

  /// A value, or null.
  private static func optional(_ schema: JSONValue) -> JSONValue { ["anyOf": [schema, ["type": "null"]]] }

  static let answers: [(key: String, value: JSONValue)] = flux + openAI + webUI

  static let errors: [(key: String, value: JSONValue)] = [
    ("Error", all([("error", all([("code", text), ("message", text), ("field", noText)]))])),
    ("OpenAIError", all([("error", all([("message", text), ("type", text), ("param", noText), ("code", text)]))])),
    ("WebUIError", all([("error", text), ("detail", text), ("body", text), ("errors", text)])),
    (
      "WebUIFieldError",
      [
        "anyOf": [
          all([("detail", list(all([("loc", texts), ("msg", text), ("type", text)])))]), reference("WebUIError"),
        ]
      ]
    ),
  ]

  // MARK: - Flux

  private static let flux: Fields = [
    ("Health", all([("status", ["enum": ["ok", "ready", "not ready"]])])),
    ("Jobs", all([("jobs", list(reference("JobState")))])), ("JobState", job),
    (
      "TokenList",
      all([("pieces", texts), ("ids", list(count)), ("cut", texts), ("unknown", texts), ("limit", count)])
    ),
    (
      "Models",
      all([
        (
          "models",
          list(
            all([
              ("name", text), ("sha256", text), ("image_size", count), ("cell", count), ("max_tokens", count),
              ("fast", flag), ("created", count),
            ]))
        )
      ])
    ),
    ("Capabilities", capabilities),
    (
      "Event",
      object(
        [
          ("id", text), ("event", text),
          ("data", ["type": "string", "contentMediaType": "application/json", "contentSchema": .anyObject]),
        ], required: ["event", "data"])
    ),
  ]

  private static let job = all([
    ("id", text), ("api", ["enum": .strings(ServerInterface.allCases.map(\.rawValue))]),
    ("kind", ["enum": .strings(ImageOrder.Kind.allCases.map(\.rawValue))]),
    ("status", ["enum": ["queued", "running", "done", "failed", "cancelled"]]), ("position", count),
    ("created", number), ("started", noNumber), ("finished", noNumber), ("step", count), ("steps", count),
    ("eta_s", noNumber),
    (
      "request",
      all([
        ("prompt", text), ("negative_prompt", text), ("model", text), ("fast", flag), ("seed", count),
        ("steps", count), ("sampler", text), ("scheduler", noText), ("cfg_scale", number), ("cfg_rescale", number),
        ("eta", number), ("width", noCount), ("height", noCount), ("count", count), ("strength", noNumber),
        ("variation_seed", noCount), ("variation_strength", noNumber),
      ])
    ),
    (
      "images",
      list(
        all([
          ("id", text), ("url", text), ("seed", count), ("width", count), ("height", count), ("sha256", text),
          ("parameters", text),
        ]))
    ),
    ("interrupted", flag), ("ignored", texts), ("warnings", texts),
    ("error", optional(all([("code", text), ("message", text)]))), ("cancel_reason", noText),
  ])

  private static let capabilities: JSONValue = {
    let named = list(all([("name", text), ("label", text)]))
    let limits = ["waiting", "per_client", "images", "steps", "prompt_length", "body", "batch", "pixels"]
    let features = ["image_to_image", "inpainting", "variations", "previews", "fast"]
    return all([
      ("version", text), ("model", text), ("samplers", named), ("schedulers", named),
      ("defaults", all([("steps", count), ("sampler", text), ("cfg_scale", number), ("size", count)])),
      ("limits", all(limits.map { ($0, count) })), ("kinds", texts), ("fits", texts), ("mask_fills", texts),
      ("features", all(features.map { ($0, flag) })),
    ])
  }()

  // MARK: - OpenAI

  private static let openAI: Fields = [
    ("OpenAIModel", all([("id", text), ("object", ["const": "model"]), ("created", count), ("owned_by", text)])),
    ("OpenAIModels", all([("object", ["const": "list"]), ("data", list(reference("OpenAIModel")))])),
    (
      "Images",
      all([
        ("created", count),
        (
          "data",
          list(
            object(
              [
                ("b64_json", text), ("url", text), ("revised_prompt", noText), ("seed", count), ("parameters", text),
              ], required: ["revised_prompt", "seed", "parameters"], others: false))
        ),
        (
          "usage",
          all([
            ("input_tokens", count), ("output_tokens", count), ("total_tokens", count),
            ("input_tokens_details", all([("text_tokens", count), ("image_tokens", count)])),
          ])
        ), ("ignored", texts), ("warnings", texts), ("size", noText), ("quality", text), ("background", text),
        ("output_format", text),
      ])
    ),
  ]

  // MARK: - AUTOMATIC1111

  private static let webUI: Fields = [
    ("WebUIImages", all([("images", texts), ("parameters", .anyObject), ("info", text)])),
    ("ImageText", all([("info", text), ("items", .anyObject), ("parameters", .anyObject)])),
    (
      "WebUIOptions",
      all([
        ("sd_model_checkpoint", text), ("sd_checkpoint_hash", text), ("samples_format", text),
        ("CLIP_stop_at_last_layers", whole), ("sd_vae", text), ("img2img_fix_steps", flag),
        ("live_previews_enable", flag),
      ])
    ),
    (
      "Progress",
      all([
        ("progress", number), ("eta_relative", number),
        (
          "state",
          all([
            ("skipped", flag), ("interrupted", flag), ("stopping_generation", flag), ("job", text),
            ("job_count", count), ("job_timestamp", text), ("job_no", count), ("sampling_step", count),
            ("sampling_steps", count),
          ])
        ), ("current_image", noText), ("textinfo", noText),
      ])
    ),
    ("Lists", list(.anyObject)),
  ]
}
