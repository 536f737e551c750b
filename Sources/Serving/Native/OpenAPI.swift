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
      var content: [(key: String, value: JSONValue)] = [
        ("application/json", ["schema": ["$ref": .string("#/components/schemas/\(schema)")]])
      ]
      if route.takesForms {
        content.append(("multipart/form-data", ["schema": ["$ref": .string("#/components/schemas/\(schema)Form")]]))
      }
      fields.append(("requestBody", ["required": true, "content": .object(content)]))
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
    "/v1/images/edits": "Edit", "/v1/images/variations": "Variation", "/sdapi/v1/txt2img": "TextToImage",
    "/sdapi/v1/img2img": "ImageToImage", "/sdapi/v1/png-info": "PNGInfo",
  ]
}
