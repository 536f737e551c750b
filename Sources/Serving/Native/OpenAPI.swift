import Flux
import Support

/// The description of all routes (OpenAPI 3.1), made from the table that answers requests.
enum OpenAPI {
  static var document: JSONValue {
    var paths: [(key: String, value: JSONValue)] = []
    for route in Route.all {
      for method in route.methods where method != "HEAD" {
        let entry = (key: method.lowercased(), value: operation(route, method))
        if let index = paths.firstIndex(where: { $0.key == route.template }),
          case .object(let fields) = paths[index].value
        {
          paths[index].value = .object(fields + [entry])
        } else {
          paths.append((route.template, .object([entry])))
        }
      }
    }
    return [
      "openapi": "3.1.0", "info": ["title": "Flux", "version": .string(Version.current)],
      "paths": .object(paths),
      "components": [
        "securitySchemes": ["token": ["type": "http", "scheme": "bearer"]], "schemas": schemas,
      ],
      "security": [[:], ["token": []]],
    ]
  }

  private static func operation(_ route: Route, _ method: String) -> JSONValue {
    let names = route.template.split(separator: "/").filter { $0.hasPrefix("{") }.map {
      String($0.dropFirst().dropLast())
    }
    var fields: [(key: String, value: JSONValue)] = [
      ("summary", .string(route.summary)), ("operationId", .string(identifier(route, method))),
      (
        "parameters",
        .array(names.map { ["name": .string($0), "in": "path", "required": true, "schema": ["type": "string"]] })
      ),
    ]
    if let schema = bodies[route.template], method == "POST" {
      let content: JSONValue = ["application/json": ["schema": ["$ref": .string("#/components/schemas/\(schema)")]]]
      fields.append(("requestBody", ["required": true, "content": content]))
    }
    fields.append(
      (
        "responses",
        ["200": ["description": "Success."], "default": ["description": "An error in the form of the interface."]]
      ))
    if route.isOpen { fields.append(("security", [])) }
    return .object(fields)
  }

  private static func identifier(_ route: Route, _ method: String) -> String {
    let name = route.template.map { $0.isLetter || $0.isNumber ? $0 : "_" }
    return method.lowercased() + String(name)
  }

  private static let bodies = [
    "/flux/v1/jobs": "Job", "/flux/v1/tokens": "Tokens", "/v1/images/generations": "Generation",
    "/sdapi/v1/txt2img": "TextToImage", "/sdapi/v1/png-info": "PNGInfo",
  ]

  private static let (text, number, whole, flag): (JSONValue, JSONValue, JSONValue, JSONValue) = (
    ["type": ["string", "null"]], ["type": ["number", "null"]], ["type": ["integer", "null"]],
    ["type": ["boolean", "null"]]
  )

  private static func object(
    _ properties: [(key: String, value: JSONValue)], required: [String] = [], others: Bool = true
  ) -> JSONValue {
    [
      "type": "object", "properties": .object(properties), "required": .strings(required),
      "additionalProperties": .bool(others),
    ]
  }

  private static let schemas: JSONValue = [
    "Job": object(
      [
        ("kind", ["const": "text"]), ("count", whole), ("format", text), ("quality", whole), ("preview_every", whole),
        ("metadata", flag),
        (
          "request",
          object(
            [
              ("prompt", ["type": "string"]), ("negative_prompt", text), ("model", text), ("fast", flag),
              ("seed", whole),
              ("steps", whole), ("sampler", text), ("scheduler", text), ("cfg_scale", number), ("cfg_rescale", number),
              ("eta", number), ("width", whole), ("height", whole), ("upscaler", text), ("large_latents", flag),
            ], required: ["prompt"], others: false)
        ),
      ], required: ["request"], others: false),
    "Tokens": object([("prompt", ["type": "string"]), ("model", text)]),
    "Generation": object(
      [
        ("prompt", ["type": "string"]), ("model", text), ("n", whole), ("size", text), ("quality", text),
        ("response_format", text), ("output_format", text), ("output_compression", whole), ("background", text),
        ("stream", flag), ("partial_images", whole), ("seed", whole), ("steps", whole), ("cfg_scale", number),
        ("negative_prompt", text), ("sampler", text), ("scheduler", text),
      ], required: ["prompt"]),
    "TextToImage": object([
      ("prompt", text), ("negative_prompt", text), ("seed", whole), ("steps", whole), ("cfg_scale", number),
      ("width", whole), ("height", whole), ("sampler_name", text), ("scheduler", text), ("batch_size", whole),
      ("n_iter", whole), ("eta", number), ("send_images", flag), ("override_settings", ["type": ["object", "null"]]),
    ]),
    "PNGInfo": object([("image", ["type": "string"])], required: ["image"]),
  ]
}
