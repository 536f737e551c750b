import Flux
import Support

/// The description of all routes (OpenAPI 3.1), made from the table that answers requests.
enum OpenAPI {
  /// The document of a server with these limits.
  static func document(_ limits: ServerLimits) -> JSONValue {
    var paths: [(key: String, value: JSONValue)] = []
    for route in Route.all where !refused.contains(route.template) {
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
      "openapi": "3.1.0",
      "info": [
        "title": "Flux", "version": .string(Version.current),
        "license": ["name": "Apache-2.0", "identifier": "Apache-2.0"],
      ],
      "paths": .object(paths),
      "components": [
        "securitySchemes": ["token": ["type": "http", "scheme": "bearer"]],
        "schemas": .object(requests(limits) + answers + errors),
      ],
      "security": [[:], ["token": []]],
    ]
  }

  /// Routes that only say that there is no such thing here.
  static let refused: Set<String> = ["/sdapi/v1/extra-single-image", "/sdapi/v1/extra-batch-images"]

  /// A schema of the components.
  static func reference(_ name: String) -> JSONValue { ["$ref": .string("#/components/schemas/\(name)")] }

  private static func operation(_ route: Route, _ method: String) -> JSONValue {
    var fields: [(key: String, value: JSONValue)] = [
      ("summary", .string(route.summary)), ("operationId", .string(identifier(route, method))),
      ("parameters", .array(parameters(route, method))),
    ]
    if let schema = bodies[route.template], method == "POST" {
      var content: [(key: String, value: JSONValue)] = [("application/json", ["schema": reference(schema)])]
      if route.takesForms { content.append(("multipart/form-data", ["schema": reference("\(schema)Form")])) }
      fields.append(("requestBody", ["required": true, "content": .object(content)]))
    }
    fields.append(("responses", .object(successes(route, method) + failures(route, method))))
    if route.isOpen { fields.append(("security", [])) }
    return .object(fields)
  }

  private static func parameters(_ route: Route, _ method: String) -> [JSONValue] {
    var parameters: [JSONValue] = route.template.split(separator: "/").filter { $0.hasPrefix("{") }.map {
      [
        "name": .string(String($0.dropFirst().dropLast())), "in": "path", "required": true,
        "schema": ["type": "string", "minLength": 1],
      ]
    }
    switch route.template {
    case "/flux/v1/jobs/{id}/events":
      parameters.append(["name": "Last-Event-ID", "in": "header", "schema": ["type": "string"]])
    case "/flux/v1/images/{name}":
      parameters.append(["name": "If-None-Match", "in": "header", "schema": ["type": "string"]])
    case "/sdapi/v1/progress":
      parameters.append(["name": "skip_current_image", "in": "query", "schema": ["type": "string"]])
    default: break
    }
    return parameters
  }

  private static func identifier(_ route: Route, _ method: String) -> String {
    let name = route.template.map { $0.isLetter || $0.isNumber ? $0 : "_" }
    return method.lowercased() + String(name)
  }

  private static let bodies = [
    "/flux/v1/jobs": "Job", "/flux/v1/tokens": "Tokens", "/v1/images/generations": "Generation",
    "/v1/images/edits": "Edit", "/v1/images/variations": "Variation", "/sdapi/v1/txt2img": "TextToImage",
    "/sdapi/v1/img2img": "ImageToImage", "/sdapi/v1/png-info": "PNGInfo", "/sdapi/v1/options": "Settings",
  ]
}
