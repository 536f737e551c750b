import Diffusion
import Flux
import Foundation
import Images
import Support

/// Flux's own interface, `/flux/v1`, and what belongs to the server as a whole.
enum Native {
  static let routes: [Route] = [
    Route("GET", "/", "The page.", isOpen: true) { service, _, _ in
      guard let page = service.page else { throw RequestError.notFound }
      return page.response
    },
    Route("GET", "/healthz", "Whether the server lives.", isOpen: true) { _, _, _ in
      ServerResponse(200, ["status": "ok"])
    },
    Route("GET", "/readyz", "Whether jobs are accepted.", isOpen: true) { service, _, _ in
      service.queue.isAccepting
        ? ServerResponse(200, ["status": "ready"])
        : ServerResponse(503, ["status": "not ready"], headers: ["Retry-After": "2"])
    },
    Route("GET", "/metrics", "Metrics for Prometheus.") { service, _, _ in
      ServerResponse(200, type: "text/plain; version=0.0.4; charset=utf-8", Array(service.metrics.text.utf8))
    },
    Route("GET", "/openapi.json", "This description.") { service, _, _ in
      ServerResponse(200, OpenAPI.document(service.limits))
    },
    Route("POST", "/flux/v1/jobs", "Adds a job to the queue.", addJob),
    Route("GET", "/flux/v1/jobs", "The jobs that wait, run or ended not long ago.") { service, _, _ in
      ServerResponse(200, ["jobs": .array(service.queue.jobs.map { json($0) })])
    },
    Route("GET", "/flux/v1/jobs/{id}", "A job.") { service, _, parameters in
      ServerResponse(200, json(try job(parameters, service)))
    },
    Route("DELETE", "/flux/v1/jobs/{id}", "Cancels a job.", cancelJob),
    Route("GET", "/flux/v1/jobs/{id}/events", "The events of a job as server-sent events.", jobEvents),
    Route("GET", "/flux/v1/images/{name}", "An image of a job: its id and .png, .jpg or .webp.", isOpen: true, image),
    Route("POST", "/flux/v1/tokens", "The tokens of a prompt, and the words that are cut.", tokens),
    Route("GET", "/flux/v1/models", "The models.") { service, _, _ in
      ServerResponse(200, ["models": .array(service.catalog.models.map { model($0) })])
    },
    Route("GET", "/flux/v1/capabilities", "Samplers, limits and defaults.") { service, _, _ in
      ServerResponse(200, capabilities(service))
    },
  ]

  /// `{"error": {"code", "message", "field"}}`.
  static func response(to error: RequestError) -> ServerResponse {
    let fields: JSONValue = [
      "code": .string(error.code), "message": .string(error.message), "field": .optional(error.field),
    ]
    return ServerResponse(error.status, ["error": fields])
  }

  // MARK: - Jobs

  private static let addJob: Route.Handler = { service, request, _ in
    let order = try NativeRequest.order(request.body, service)
    service.metrics.ignored(order.ignored.count, .native)
    let job = try service.queue.submit(order, from: .native, client: request.client)
    return ServerResponse(202, json(job), headers: ["Location": "/flux/v1/jobs/\(job.id)"])
  }

  private static let cancelJob: Route.Handler = { service, _, parameters in
    let job = try job(parameters, service)
    guard service.queue.cancel(job.id, .client) else {
      throw RequestError("the job ended already: it is \(job.status.rawValue)", code: "finished", status: 409)
    }
    return ServerResponse(200, json(service.queue.job(job.id) ?? job))
  }

  private static let jobEvents: Route.Handler = { service, request, parameters in
    let job = try job(parameters, service)
    let last = Int(request.headers["Last-Event-ID"] ?? "") ?? 0
    return ServerResponse(events: stream(of: job.id, after: last, service))
  }

  /// The events of a job as bytes, with a comment every 15 seconds so that nothing between closes the connection.
  private static func stream(of id: String, after last: Int, _ service: FluxService) -> AsyncStream<[UInt8]> {
    AsyncStream { continuation in
      let events = Task {
        for await (number, event) in service.queue.events(of: id, after: last) {
          guard let job = service.queue.job(id) else { break }
          continuation.yield(serverEvent(number, event, job).bytes)
        }
        continuation.finish()
      }
      let pings = Task {
        while !Task.isCancelled {
          try await Task.sleep(for: .seconds(15))
          continuation.yield(ServerEvent.ping)
        }
      }
      continuation.onTermination = { _ in
        events.cancel()
        pings.cancel()
      }
    }
  }

  private static func serverEvent(_ number: Int, _ event: JobEvent, _ job: Job) -> ServerEvent {
    switch event {
    case .queued(let position): ServerEvent(id: number, name: "queued", data: ["position": .int(position)])
    case .started: ServerEvent(id: number, name: "started", data: ["steps": .int(job.steps)])
    case .step(let index, let count):
      ServerEvent(id: number, name: "step", data: step(index, count, job))
    case .image(let index):
      ServerEvent(id: number, name: "image", data: index < job.images.count ? image(job, index) : .null)
    case .done: ServerEvent(id: number, name: "done", data: json(job))
    case .failed: ServerEvent(id: number, name: "failed", data: json(job))
    case .cancelled(let reason):
      ServerEvent(id: number, name: "cancelled", data: ["reason": .string(reason.rawValue), "job": json(job)])
    }
  }

  private static func step(_ index: Int, _ count: Int, _ job: Job) -> JSONValue {
    var fields: [(key: String, value: JSONValue)] = [
      ("index", .int(index)), ("count", .int(count)),
      ("eta_s", job.remainingSeconds(at: Date()).map { .double($0) } ?? .null),
    ]
    if let preview = job.preview {
      fields.append(("preview", .string("data:image/jpeg;base64," + Base64.encode(preview))))
    }
    return .object(fields)
  }

  private static func job(_ parameters: [String: String], _ service: FluxService) throws -> Job {
    guard let job = service.queue.job(parameters["id"] ?? "") else {
      throw RequestError("there is no such job, or it ended long ago", code: "not_found", status: 404)
    }
    return job
  }

  /// A job as clients see it.
  ///
  /// Other clients' prompts are in it: the queue belongs to those who share the token.
  static func json(_ job: Job) -> JSONValue {
    let request = job.order.request
    func time(_ date: Date?) -> JSONValue {
      date.map { .double(($0.timeIntervalSince1970 * 1000).rounded() / 1000) } ?? .null
    }
    return [
      "id": .string(job.id), "api": .string(job.interface.rawValue), "kind": .string(job.order.kind.rawValue),
      "status": .string(job.status.rawValue), "position": .int(job.position), "created": time(job.created),
      "started": time(job.started), "finished": time(job.finished), "step": .int(job.step), "steps": .int(job.steps),
      "eta_s": job.remainingSeconds(at: Date()).map { .double($0) } ?? .null,
      "request": [
        "prompt": .string(request.prompt), "negative_prompt": .string(request.negativePrompt),
        "model": .string(job.order.model), "fast": .bool(job.order.fast), "seed": .int(Int(clamping: request.seed)),
        "steps": .int(request.steps), "sampler": .string(request.sampler.rawValue),
        "scheduler": .optional((request.spacing ?? request.sampler.defaultSpacing)?.rawValue),
        "cfg_scale": .double(request.guidance.scale), "cfg_rescale": .double(request.guidance.rescale),
        "eta": .double(request.eta), "width": request.width.map { .int($0) } ?? .null,
        "height": request.height.map { .int($0) } ?? .null, "count": .int(job.order.count),
        "strength": request.edit.map { .double($0.strength) } ?? .null,
        "variation_seed": request.variation.map { .int(Int(clamping: $0.seed)) } ?? .null,
        "variation_strength": request.variation.map { .double($0.strength) } ?? .null,
      ],
      "images": .array(job.images.indices.map { image(job, $0) }), "interrupted": .bool(job.isInterrupted),
      "ignored": .strings(job.order.ignored), "warnings": .strings(job.order.warnings),
      "error": job.failure.map { ["code": .string($0.code), "message": .string($0.message)] } ?? .null,
      "cancel_reason": .optional(job.cancelReason?.rawValue),
    ]
  }

  private static func image(_ job: Job, _ index: Int) -> JSONValue {
    let image = job.images[index]
    return [
      "id": .string("\(job.id)-\(index)"), "url": .string(path(of: job, index)),
      "seed": .int(Int(clamping: image.seed)),
      "width": .int(image.size.width), "height": .int(image.size.height), "sha256": .string(image.hash),
      "parameters": .string(image.parameters),
    ]
  }

  // MARK: - Images

  /// The path of an image of a job.
  static func path(of job: Job, _ index: Int) -> String {
    "/flux/v1/images/\(job.id)-\(index).\(job.images[index].format.ending)"
  }

  private static let image: Route.Handler = { service, request, parameters in
    let name = (parameters["name"] ?? "").split(separator: ".", maxSplits: 1).map(String.init)
    let id = (name.first ?? "").split(separator: "-").map(String.init)
    guard name.count == 2, let format = ImageFile(ending: name[1]), id.count == 2, let index = Int(id[1]),
      let job = service.queue.job(id[0]), job.images.indices.contains(index)
    else { throw RequestError("there is no such image, or it is no longer kept", code: "not_found", status: 404) }
    let stored = job.images[index]
    let tag = "\"\(stored.hash.prefix(32))-\(format.ending)\""
    let headers: HeaderFields = ["ETag": tag, "Cache-Control": "private, max-age=600"]
    if request.headers["If-None-Match"] == tag { return ServerResponse(status: 304, headers: headers) }
    var bytes = stored.bytes
    if format != stored.format {
      let image = try ImageFile.decode(bytes, file: "the image")
      // The colors of a JPEG or WebP are not those that were drawn: the record of such an image is lost with its file.
      let record = stored.format == .png ? stored.record : nil
      let quality = 95
      bytes = try format.encode(
        image, parameters: job.order.hasMetadata ? stored.parameters : nil, quality: quality
      ) { record?.copy(pixels: $0, quality: quality).json }
    }
    return ServerResponse(200, type: mediaType(format), bytes, headers: headers)
  }

  static func mediaType(_ format: ImageFile) -> String {
    switch format {
    case .png: "image/png"
    case .jpeg: "image/jpeg"
    case .webp: "image/webp"
    }
  }

  // MARK: - What there is

  private static let tokens: Route.Handler = { service, request, _ in
    var reader = try FieldReader(body: request.body)
    let prompt = try reader.string("prompt", longest: service.limits.promptLength) ?? ""
    let name = try reader.string("model")
    guard let model = name.map({ service.catalog.find($0) }) ?? service.catalog.standard else {
      throw RequestError("there is no such model", field: "model", code: "model_not_found", status: 404)
    }
    let tokens = model.tokens(of: prompt)
    return ServerResponse(
      200,
      [
        "pieces": .strings(tokens.pieces), "ids": .array(tokens.ids.map { .int(Int($0)) }),
        "cut": .strings(tokens.dropped), "unknown": .strings(tokens.unknown),
        "limit": .int(model.configuration.maxTokens),
      ])
  }

  private static func model(_ model: ServedModel) -> JSONValue {
    [
      "name": .string(model.name), "sha256": .string(model.hash), "image_size": .int(model.imageSize),
      "cell": .int(model.cell), "max_tokens": .int(model.configuration.maxTokens),
      "fast": .bool(model.student != nil), "created": .int(model.created),
    ]
  }

  private static func capabilities(_ service: FluxService) -> JSONValue {
    let (limits, model) = (service.limits, service.catalog.standard)
    let defaults = GenerationRequest(prompt: "")
    return [
      "version": .string(Version.current), "model": .string(model.name),
      "samplers": .array(
        SamplerKind.allCases.map { ["name": .string($0.rawValue), "label": .string($0.displayName)] }),
      "schedulers": .array(Spacing.allCases.map { ["name": .string($0.rawValue), "label": .string($0.displayName)] }),
      "defaults": [
        "steps": .int(model.sampling.steps), "sampler": .string((model.sampling.sampler ?? defaults.sampler).rawValue),
        "cfg_scale": .double(model.sampling.guidance.scale), "size": .int(model.imageSize),
      ],
      "limits": [
        "waiting": .int(limits.waiting), "per_client": .int(limits.perClient), "images": .int(limits.images),
        "steps": .int(limits.steps), "prompt_length": .int(limits.promptLength), "body": .int(limits.body),
        "batch": .int(limits.batch), "pixels": .int(min(limits.pixels, ImageEdit.maxPixels)),
      ],
      "kinds": .strings(ImageOrder.Kind.allCases.map(\.rawValue)),
      "fits": .strings(ImageFit.allCases.map(\.rawValue)),
      "mask_fills": .strings(Inpainting.Fill.allCases.map(\.rawValue)),
      "features": [
        "image_to_image": true, "inpainting": true, "variations": true, "previews": true,
        "fast": .bool(model.student != nil),
      ],
    ]
  }
}
