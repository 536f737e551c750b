import Foundation
import Images
import Support

/// The interface of OpenAI's Images API, as its clients use it.
enum OpenAI {
  static let routes: [Route] = [
    Route("GET", "/v1/models", "OpenAI: the models.") { service, _, _ in
      ServerResponse(200, ["object": "list", "data": .array(service.catalog.models.map { model($0) })])
    },
    Route("GET", "/v1/models/{id}", "OpenAI: a model.") { service, _, parameters in
      guard let found = service.catalog.find(parameters["id"] ?? "") else {
        throw RequestError("there is no such model", field: "model", code: "model_not_found", status: 404)
      }
      return ServerResponse(200, model(found))
    },
    Route("POST", "/v1/images/generations", "OpenAI: images from a prompt.") { service, request, _ in
      try await images(.generation, request, service)
    },
    Route(
      "POST", "/v1/images/edits", "OpenAI: images from an image, or its transparent part, and a prompt.",
      takesForms: true
    ) { service, request, _ in
      try await images(.edit, request, service)
    },
    Route("POST", "/v1/images/variations", "OpenAI: images like an image.", takesForms: true) { service, request, _ in
      try await images(.variation, request, service)
    },
  ]

  /// `{"error": {"message", "type", "param", "code"}}`.
  static func response(to error: RequestError) -> ServerResponse {
    ServerResponse(error.status, ["error": json(error)])
  }

  private static func json(_ error: RequestError) -> JSONValue {
    let type =
      switch error.status {
      case 401: "authentication_error"
      case 429: "rate_limit_error"
      case 500...: "server_error"
      default: "invalid_request_error"
      }
    return [
      "message": .string(error.message), "type": .string(type), "param": .optional(error.field),
      "code": .string(error.code),
    ]
  }

  private static func model(_ model: ServedModel) -> JSONValue {
    ["id": .string(model.name), "object": "model", "created": .int(model.created), "owned_by": "flux"]
  }

  // MARK: - Images

  private static func images(
    _ purpose: OpenAIRequest.Purpose, _ request: ServerRequest, _ service: FluxService
  ) async throws -> ServerResponse {
    let wanted = try OpenAIRequest(request, purpose, service)
    if wanted.isStream { return try stream(wanted, request, service) }
    let job = try await service.draw(wanted.order, for: request, from: .openAI)
    let host = request.headers["Host"] ?? "localhost"
    let scheme = request.headers["X-Forwarded-Proto"] == "https" ? "https" : "http"
    let data = job.images.indices.map { index -> JSONValue in
      let image = job.images[index]
      return .object([
        wanted.wantsURL
          ? (key: "url", value: .string("\(scheme)://\(host)\(Native.path(of: job, index))"))
          : (key: "b64_json", value: .string(Base64.encode(image.bytes))),
        (key: "revised_prompt", value: .null), (key: "seed", value: .int(Int(clamping: image.seed))),
        (key: "parameters", value: .string(image.parameters)),
      ])
    }
    var fields: [(key: String, value: JSONValue)] = [
      ("created", .int(Int(job.created.timeIntervalSince1970))), ("data", .array(data)), ("usage", usage(job)),
      ("ignored", .strings(job.order.ignored)), ("warnings", .strings(job.order.warnings)),
    ]
    fields += properties(job, wanted)
    return ServerResponse(200, .object(fields), headers: adjustment(job))
  }

  /// What an answer and its events say of the image.
  private static func properties(_ job: Job, _ wanted: OpenAIRequest) -> [(key: String, value: JSONValue)] {
    [
      ("size", .optional(job.images.first.map { "\($0.size)" })), ("quality", .string(wanted.quality)),
      ("background", "opaque"),
      ("output_format", .string(job.order.format == .jpeg ? "jpeg" : job.order.format.rawValue.lowercased())),
    ]
  }

  /// Tokens of the prompt; images are not counted in tokens.
  private static func usage(_ job: Job) -> JSONValue {
    let tokens = job.order.tokens
    return [
      "input_tokens": .int(tokens), "output_tokens": 0, "total_tokens": .int(tokens),
      "input_tokens_details": ["text_tokens": .int(tokens), "image_tokens": 0],
    ]
  }

  /// The field that says that the image was drawn at another size.
  static func adjustment(_ job: Job) -> HeaderFields {
    var headers: HeaderFields = [:]
    if job.order.finalSize != nil { headers["x-flux-adjusted"] = "size" }
    if !job.order.ignored.isEmpty {
      // Names of fields that clients made up do not go into a header.
      headers["x-flux-ignored"] = job.order.ignored.filter {
        $0.allSatisfy { $0.isASCII && ($0.isLetter || $0 == "_") }
      }
      .joined(separator: ", ")
    }
    return headers
  }

  // MARK: - Stream

  /// Partial images and the image as events.
  ///
  /// The job is cancelled if nobody reads them.
  private static func stream(
    _ wanted: OpenAIRequest, _ request: ServerRequest, _ service: FluxService
  ) throws -> ServerResponse {
    service.metrics.ignored(wanted.order.ignored.count, .openAI)
    let accepted = try service.queue.submit(wanted.order, from: .openAI, client: request.client)
    let events = AsyncStream<[UInt8]> { continuation in
      let task = Task {
        var partial = 0
        for await (_, event) in service.queue.events(of: accepted.id) {
          guard let job = service.queue.job(accepted.id) else { break }
          if case .step = event, partial < wanted.partialImages, let preview = job.preview {
            continuation.yield(partialImage(preview, partial, job, wanted).bytes)
            partial += 1
          }
          if event.isLast { for piece in last(job, wanted) { continuation.yield(piece) } }
        }
        continuation.finish()
      }
      continuation.onTermination = { _ in
        task.cancel()
        service.queue.cancel(accepted.id, .disconnected)
      }
    }
    return ServerResponse(events: events)
  }

  private static func partialImage(_ preview: [UInt8], _ index: Int, _ job: Job, _ wanted: OpenAIRequest) -> ServerEvent
  {
    ServerEvent(
      name: "\(wanted.eventName).partial_image",
      data: [
        "type": .string("\(wanted.eventName).partial_image"), "b64_json": .string(Base64.encode(preview)),
        "partial_image_index": .int(index), "created_at": .int(Int(job.created.timeIntervalSince1970)),
        "size": .string("\(wanted.size)"), "quality": .string(wanted.quality), "background": "opaque",
        "output_format": "jpeg",
      ])
  }

  private static func last(_ job: Job, _ wanted: OpenAIRequest) -> [[UInt8]] {
    do {
      return try FluxService.withImages(job).images.map { image in
        var fields: [(key: String, value: JSONValue)] = [
          ("type", .string("\(wanted.eventName).completed")), ("b64_json", .string(Base64.encode(image.bytes))),
          ("created_at", .int(Int(job.created.timeIntervalSince1970))), ("usage", usage(job)),
        ]
        fields += properties(job, wanted)
        return ServerEvent(name: "\(wanted.eventName).completed", data: .object(fields)).bytes
      }
    } catch {
      let error = error as? RequestError ?? RequestError("\(error)", code: "failed", status: 500)
      return [ServerEvent(name: "error", data: ["error": json(error)]).bytes]
    }
  }
}
