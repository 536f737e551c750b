import Diffusion
import Flux
import Foundation
import Images
import Support

/// The interface of AUTOMATIC1111's web UI, as its clients use it.
enum A1111 {
  static let routes: [Route] =
    drawing + listings + [
      Route("GET", "/sdapi/v1/options", "AUTOMATIC1111: settings.") { service, _, _ in
        ServerResponse(200, options(service))
      },
      Route(
        "POST", "/sdapi/v1/options", "AUTOMATIC1111: selects the model; other settings have no effect.", setOptions),
      Route("GET", "/sdapi/v1/progress", "AUTOMATIC1111: what is drawn now.", progress),
      Route("POST", "/sdapi/v1/interrupt", "AUTOMATIC1111: stops; the running call answers with the image as it is.") {
        service, _, _ in
        service.queue.interrupt(.a1111)
        return ServerResponse(200, [:])
      },
      Route("POST", "/sdapi/v1/skip", "AUTOMATIC1111: the same as interrupt.") { service, _, _ in
        service.queue.interrupt(.a1111)
        return ServerResponse(200, .null)
      },
      Route("POST", "/sdapi/v1/png-info", "AUTOMATIC1111: the text in a PNG file.", imageText),
    ]

  /// FastAPI's form for fields (422), else the web UI's own.
  static func response(to error: RequestError) -> ServerResponse {
    if error.status == 400, let field = error.field, error.code != "sampler_not_found" {
      let detail: JSONValue = [
        "loc": ["body", .string(field)], "msg": .string(error.message), "type": .string(error.code),
      ]
      return ServerResponse(422, ["detail": [detail]])
    }
    let detail = error.code == "sampler_not_found" ? "Sampler not found" : error.message
    let kind = error.status == 401 ? "Unauthorized" : "HTTPException"
    return ServerResponse(
      error.status,
      ["error": .string(kind), "detail": .string(detail), "body": "", "errors": .string(error.message)])
  }

  // MARK: - Images

  private static let drawing: [Route] = [
    Route("POST", "/sdapi/v1/txt2img", "AUTOMATIC1111: images from a prompt.") { service, request, _ in
      try await draw(try A1111Request(request.body, hasImage: false, service), request, service)
    },
    Route("POST", "/sdapi/v1/img2img", "AUTOMATIC1111: images from an image, or a part of it, and a prompt.") {
      service, request, _ in
      try await draw(try A1111Request(request.body, hasImage: true, service), request, service)
    },
    Route("POST", "/sdapi/v1/extra-single-image", "AUTOMATIC1111: refused; this version does not enlarge images.") {
      _, _, _ in
      throw RequestError.notSupportedYet("extra-single-image (enlarging an image)")
    },
    Route("POST", "/sdapi/v1/extra-batch-images", "AUTOMATIC1111: refused; this version does not enlarge images.") {
      _, _, _ in
      throw RequestError.notSupportedYet("extra-batch-images (enlarging images)")
    },
  ]

  private static func draw(
    _ wanted: A1111Request, _ request: ServerRequest, _ service: FluxService
  ) async throws -> ServerResponse {
    let job = try await service.draw(wanted.order, for: request, from: .a1111)
    let model = service.catalog.find(job.order.model) ?? service.catalog.standard
    let images = wanted.sendsImages ? job.images.map { Base64.encode($0.bytes) } : []
    return ServerResponse(
      200,
      [
        "images": .strings(images), "parameters": .object(wanted.fields),
        "info": .string(A1111Info.json(job, model).text),
      ], headers: OpenAI.adjustment(job))
  }

  private static let imageText: Route.Handler = { _, request, _ in
    var reader = try FieldReader(body: request.body)
    guard let text = try reader.string("image", longest: .max), let bytes = Base64.decode(text) else {
      throw RequestError("image is missing or not base64", field: "image", code: "invalid_image")
    }
    let entries = PNGText.read(bytes)
    let parameters = entries.first { $0.keyword == "parameters" }?.text ?? ""
    return ServerResponse(
      200,
      [
        "info": .string(parameters), "items": .object(entries.map { (key: $0.keyword, value: .string($0.text)) }),
        "parameters": .object(A1111Info.fields(of: parameters)),
      ])
  }

  // MARK: - Settings and progress

  private static func options(_ service: FluxService) -> JSONValue {
    let model = service.catalog.find(service.selectedModel.withLock { $0 }) ?? service.catalog.standard
    return [
      "sd_model_checkpoint": .string(model.title), "sd_checkpoint_hash": .string(model.hash), "samples_format": "png",
      "CLIP_stop_at_last_layers": 1, "sd_vae": "Automatic", "img2img_fix_steps": false, "live_previews_enable": true,
    ]
  }

  private static let setOptions: Route.Handler = { service, request, _ in
    var reader = try FieldReader(body: request.body)
    if let name = try reader.string("sd_model_checkpoint"), !name.isEmpty {
      guard let model = service.catalog.find(name) else {
        throw RequestError("there is no model \"\(name.prefix(80))\"", code: "model_not_found", status: 404)
      }
      service.selectedModel.withLock { $0 = model.name }
    }
    return ServerResponse(200, .null)
  }

  private static let progress: Route.Handler = { service, request, _ in
    let own = service.queue.jobs.filter { $0.interface == .a1111 && !$0.isFinished }
    let job = own.first { $0.status == .running }
    let skipsImage = ["true", "1"].contains(request.query["skip_current_image"]?.lowercased() ?? "")
    let preview = skipsImage ? nil : job?.preview.map { Base64.encode($0) }
    return ServerResponse(
      200,
      [
        "progress": .double(job?.progress ?? 0), "eta_relative": .double(job?.remainingSeconds(at: Date()) ?? 0),
        "state": [
          "skipped": false, "interrupted": .bool(job?.stop == .interrupt),
          "stopping_generation": .bool(job?.stop != nil), "job": .string(job?.id ?? ""), "job_count": .int(own.count),
          "job_timestamp": .string(A1111Info.timestamp(job?.started ?? job?.created)), "job_no": 0,
          "sampling_step": .int(job?.step ?? 0), "sampling_steps": .int(job?.steps ?? 0),
        ], "current_image": .optional(preview), "textinfo": .null,
      ])
  }

  // MARK: - Lists

  private static let listings: [Route] =
    [
      list("sd-models", "the models") { service in
        .array(
          service.catalog.models.map { model in
            [
              "title": .string(model.title), "model_name": .string(model.name),
              "hash": .string(String(model.hash.prefix(10))), "sha256": .string(model.hash),
              "filename": .string(model.name), "config": .null,
            ]
          })
      },
      list("samplers", "the samplers") { _ in
        .array(
          SamplerKind.allCases.map {
            ["name": .string($0.displayName), "aliases": [.string($0.rawValue)], "options": [:]]
          })
      },
      list("schedulers", "the timestep spacings") { _ in
        let automatic: JSONValue = [
          "name": "automatic", "label": "Automatic", "aliases": .null, "default_rho": -1, "need_inner_model": false,
        ]
        return .array(
          [automatic]
            + Spacing.allCases.map {
              [
                "name": .string($0.rawValue), "label": .string($0.displayName), "aliases": .null, "default_rho": -1,
                "need_inner_model": false,
              ]
            })
      },
      list("upscalers", "how images are enlarged") { _ in
        let names = ["None", "Lanczos", "Nearest"]
        return .array(
          names.map {
            ["name": .string($0), "model_name": .null, "model_path": .null, "model_url": .null, "scale": 4]
          })
      },
      list("latent-upscale-modes", "none") { _ in [["name": "None"]] },
      list("scripts", "none") { _ in ["txt2img": [], "img2img": []] },
      list("embeddings", "none") { _ in ["loaded": [:], "skipped": [:]] },
      list("cmd-flags", "none") { _ in [:] },
      list("memory", "memory of the server") { _ in
        ["ram": ["used": .int(ServerMetrics.residentBytes ?? 0)], "cuda": ["error": "not measured"]]
      },
    ]
    + [
      "loras", "script-info", "sd-vae", "sd-modules", "prompt-styles", "hypernetworks", "face-restorers",
      "realesrgan-models", "extensions",
    ].map { list($0, "none") { _ in [] } }
    + ["refresh-checkpoints", "refresh-loras", "refresh-vae", "unload-checkpoint", "reload-checkpoint"].map { name in
      Route("POST", "/sdapi/v1/\(name)", "AUTOMATIC1111: has no effect.") { _, _, _ in ServerResponse(200, .null) }
    }

  private static func list(
    _ name: String, _ content: String, _ value: @escaping @Sendable (FluxService) -> JSONValue
  ) -> Route {
    Route("GET", "/sdapi/v1/\(name)", "AUTOMATIC1111: \(content).") { service, _, _ in
      ServerResponse(200, value(service))
    }
  }
}
