import Support

/// What every operation answers: statuses, media types and header fields.
extension OpenAPI {
  /// The answers of an operation that did what was asked.
  static func successes(_ route: Route, _ method: String) -> [(key: String, value: JSONValue)] {
    switch (route.template, method) {
    case ("/", _): return [("200", answer("The page.", types: ["text/html": .anyText]))]
    case ("/metrics", _): return [("200", answer("Metrics.", types: ["text/plain": .anyText]))]
    case ("/openapi.json", _): return [("200", answer("This document.", types: ["application/json": .anyObject]))]
    case ("/readyz", _):
      return [
        ("200", answer("Ready.", json: reference("Health"))),
        ("503", answer("Loading or stopping.", json: reference("Health"), headers: [retryAfter])),
      ]
    case ("/flux/v1/jobs", "POST"):
      var added = answer("The job.", json: reference("JobState"), headers: [("Location", .anyText)])
      if case .object(let fields) = added { added = .object(fields + [("links", links)]) }
      return [("202", added)]
    case ("/flux/v1/jobs/{id}/events", _):
      return [("200", answer("Server-sent events.", types: ["text/event-stream": reference("Event")]))]
    case ("/flux/v1/images/{name}", _):
      let types = ["image/png", "image/jpeg", "image/webp"].map { (key: $0, value: JSONValue.anyFile) }
      return [
        ("200", answer("The image.", types: .object(types), headers: [("ETag", .anyText)])),
        ("304", answer("The image is the one that the client has.", headers: [("ETag", .anyText)])),
      ]
    case ("/v1/images/generations", _), ("/v1/images/edits", _):
      let types: JSONValue = ["application/json": reference("Images"), "text/event-stream": reference("Event")]
      return [("200", answer("The images, or events with stream.", types: types))]
    default:
      let schema = schemas["\(method) \(route.template)"] ?? (method == "GET" ? reference("Lists") : ["type": "null"])
      return [("200", answer("Success.", json: schema))]
    }
  }

  /// The schemas of answers in JSON.
  private static let schemas: [String: JSONValue] = [
    "GET /healthz": reference("Health"), "GET /flux/v1/jobs": reference("Jobs"),
    "GET /flux/v1/jobs/{id}": reference("JobState"), "DELETE /flux/v1/jobs/{id}": reference("JobState"),
    "POST /flux/v1/tokens": reference("TokenList"), "GET /flux/v1/models": reference("Models"),
    "GET /flux/v1/capabilities": reference("Capabilities"), "GET /v1/models": reference("OpenAIModels"),
    "GET /v1/models/{id}": reference("OpenAIModel"), "POST /v1/images/variations": reference("Images"),
    "POST /sdapi/v1/txt2img": reference("WebUIImages"), "POST /sdapi/v1/img2img": reference("WebUIImages"),
    "POST /sdapi/v1/png-info": reference("ImageText"), "GET /sdapi/v1/options": reference("WebUIOptions"),
    "GET /sdapi/v1/progress": reference("Progress"), "POST /sdapi/v1/interrupt": .anyObject,
    "GET /sdapi/v1/scripts": .anyObject, "GET /sdapi/v1/embeddings": .anyObject, "GET /sdapi/v1/cmd-flags": .anyObject,
    "GET /sdapi/v1/memory": .anyObject,
  ]

  // MARK: - Errors

  /// The answers of an operation that did not do what was asked.
  static func failures(_ route: Route, _ method: String) -> [(key: String, value: JSONValue)] {
    let isDrawing = drawing.contains(route.template) && method == "POST"
    var statuses: Set<Int> = [403]
    if !route.isOpen { statuses.insert(401) }
    if route.template.hasSuffix("}") || route.template.hasSuffix("/events") || route.template == "/" {
      statuses.insert(404)
    }
    if method == "DELETE" { statuses.insert(409) }
    if method == "POST" {
      statuses.formUnion([400, 408, 413, 415])
      if route.template.hasPrefix("/sdapi/") { statuses.insert(422) }
      if isDrawing || ["/flux/v1/tokens", "/sdapi/v1/options"].contains(route.template) { statuses.insert(404) }
      if isDrawing { statuses.formUnion([429, 503]) }
      if isDrawing, route.template != "/flux/v1/jobs" { statuses.insert(500) }
    }
    let schema =
      switch true {
      case route.template.hasPrefix("/v1/"): "OpenAIError"
      case route.template.hasPrefix("/sdapi/"): "WebUIError"
      default: "Error"
      }
    return statuses.sorted().map { status in
      var headers: [(key: String, value: JSONValue)] = []
      if status == 401 { headers.append(("WWW-Authenticate", .anyText)) }
      if [429, 503].contains(status) { headers.append(retryAfter) }
      return (
        "\(status)",
        answer(
          meanings[status] ?? "Failure.", json: reference(status == 422 ? "WebUIFieldError" : schema), headers: headers)
      )
    }
  }

  private static let drawing: Set<String> = [
    "/flux/v1/jobs", "/v1/images/generations", "/v1/images/edits", "/v1/images/variations", "/sdapi/v1/txt2img",
    "/sdapi/v1/img2img",
  ]

  private static let meanings = [
    400: "A value is not accepted.", 401: "The token is missing or wrong.",
    403: "The host or the origin is not allowed.", 404: "There is no such thing.",
    408: "The body did not arrive in time.", 409: "The job ended already.", 413: "The body is too large.",
    415: "The content type is not read.", 422: "A field is not accepted.", 429: "Too many jobs wait.",
    500: "Drawing failed.", 503: "The model is loading, or the server is stopping.",
  ]

  private static let retryAfter: (key: String, value: JSONValue) = (
    "Retry-After", ["type": "integer", "minimum": 1]
  )

  /// What can be asked about a job that was added.
  private static let links: JSONValue = .object(
    ["get_flux_v1_jobs__id_", "get_flux_v1_jobs__id__events", "delete_flux_v1_jobs__id_"].map { name in
      (key: name, value: ["operationId": .string(name), "parameters": ["id": "$response.body#/id"]])
    })

  // MARK: - Parts

  private static func answer(
    _ description: String, json schema: JSONValue, headers: [(key: String, value: JSONValue)] = []
  ) -> JSONValue {
    answer(description, types: ["application/json": schema], headers: headers)
  }

  /// An answer with a schema for each media type.
  private static func answer(
    _ description: String, types: JSONValue = [:], headers: [(key: String, value: JSONValue)] = []
  ) -> JSONValue {
    var fields: [(key: String, value: JSONValue)] = [("description", .string(description))]
    let content = (types.fields ?? []).map {
      (key: $0.key, value: JSONValue.object([(key: "schema", value: $0.value)]))
    }
    if !content.isEmpty { fields.append(("content", .object(content))) }
    if !headers.isEmpty {
      let described = headers.map {
        (key: $0.key, value: JSONValue.object([(key: "required", value: true), (key: "schema", value: $0.value)]))
      }
      fields.append(("headers", .object(described)))
    }
    return .object(fields)
  }
}

extension JSONValue {
  static let anyText: JSONValue = ["type": "string"]
  static let anyFile: JSONValue = ["type": "string", "format": "binary"]
  static let anyObject: JSONValue = ["type": "object"]
}
