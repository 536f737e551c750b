import Support

/// The bodies of requests.
extension OpenAPI {
  private static let (text, number, whole, flag): (JSONValue, JSONValue, JSONValue, JSONValue) = (
    ["type": ["string", "null"]], ["type": ["number", "null"]], ["type": ["integer", "null"]],
    ["type": ["boolean", "null"]]
  )
  private static let file: JSONValue = ["type": "string", "format": "binary"]
  private static let reference: JSONValue = object([("image_url", ["type": "string"])], required: ["image_url"])

  private static func object(
    _ properties: [(key: String, value: JSONValue)], required: [String] = [], others: Bool = true
  ) -> JSONValue {
    [
      "type": "object", "properties": .object(properties), "required": .strings(required),
      "additionalProperties": .bool(others),
    ]
  }

  static let schemas: JSONValue = [
    "Job": object(
      [
        ("kind", ["enum": .strings(ImageOrder.Kind.allCases.map(\.rawValue))]), ("count", whole), ("format", text),
        ("quality", whole), ("preview_every", whole), ("metadata", flag), ("request", request),
        ("images", object([("init", ["type": "string"]), ("mask", text)], required: ["init"], others: false)),
      ], required: ["request"], others: false),
    "Tokens": object([("prompt", ["type": "string"]), ("model", text)]),
    "Generation": object([("prompt", ["type": "string"])] + generation, required: ["prompt"]),
    "Edit": object(
      [
        ("prompt", ["type": "string"]),
        ("images", ["type": "array", "items": reference, "minItems": 1, "maxItems": 1]),
        ("mask", reference), ("input_fidelity", text), ("strength", number),
      ] + generation, required: ["prompt", "images"]),
    "EditForm": object(
      [
        ("prompt", ["type": "string"]), ("image", file), ("image[]", file), ("mask", file), ("input_fidelity", text),
        ("strength", number),
      ] + generation, required: ["prompt"]),
    "Variation": object(
      [("images", ["type": "array", "items": reference, "minItems": 1, "maxItems": 1]), ("strength", number)]
        + generation, required: ["images"]),
    "VariationForm": object([("image", file), ("strength", number)] + generation, required: ["image"]),
    "TextToImage": object(webUI),
    "ImageToImage": object(
      [
        ("init_images", ["type": "array", "items": ["type": "string"], "minItems": 1, "maxItems": 1]),
        ("denoising_strength", number), ("resize_mode", whole), ("mask", text), ("mask_blur", whole),
        ("inpainting_fill", whole), ("inpainting_mask_invert", ["type": ["integer", "boolean", "null"]]),
        ("inpaint_full_res", ["type": ["integer", "boolean", "null"]]), ("inpaint_full_res_padding", whole),
        ("include_init_images", flag),
      ] + webUI, required: ["init_images"]),
    "PNGInfo": object([("image", ["type": "string"])], required: ["image"]),
  ]

  private static let request = object(
    [
      ("prompt", ["type": "string"]), ("negative_prompt", text), ("model", text), ("fast", flag), ("seed", whole),
      ("steps", whole), ("sampler", text), ("scheduler", text), ("cfg_scale", number), ("cfg_rescale", number),
      ("eta", number), ("width", whole), ("height", whole), ("upscaler", text), ("large_latents", flag),
      ("strength", number), ("fit", text), ("mask_invert", flag), ("mask_blur", whole), ("mask_fill", text),
      ("mask_crop", flag), ("mask_padding", whole), ("variation_seed", whole), ("variation_strength", number),
    ], required: ["prompt"], others: false)

  /// Fields of OpenAI's interface that are there with and without an image.
  private static let generation: [(key: String, value: JSONValue)] = [
    ("model", text), ("n", whole), ("size", text), ("quality", text), ("response_format", text),
    ("output_format", text), ("output_compression", whole), ("background", text), ("stream", flag),
    ("partial_images", whole), ("seed", whole), ("steps", whole), ("cfg_scale", number), ("negative_prompt", text),
    ("sampler", text), ("scheduler", text),
  ]

  /// Fields of the web UI's interface that are there with and without an image.
  private static let webUI: [(key: String, value: JSONValue)] = [
    ("prompt", text), ("negative_prompt", text), ("seed", whole), ("subseed", whole), ("subseed_strength", number),
    ("steps", whole), ("cfg_scale", number), ("width", whole), ("height", whole), ("sampler_name", text),
    ("scheduler", text), ("batch_size", whole), ("n_iter", whole), ("eta", number), ("send_images", flag),
    ("override_settings", ["type": ["object", "null"]]),
  ]
}
