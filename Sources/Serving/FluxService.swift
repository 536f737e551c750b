import Flux
import Foundation
import Support
import Synchronization

/// Everything that the server answers, independent of the HTTP library: rules of access, routes and the queue behind them.
public final class FluxService: Sendable {
  /// Choices of the operator.
  public struct Options: Sendable {
    /// Unknown model names of OpenAI's clients are errors; otherwise they mean the default model.
    public var strictModel = false
    /// Sizes that the model does not generate, in the interfaces of OpenAI and AUTOMATIC1111.
    public var sizePolicy = SizePolicy.fit

    /// The choices that `flux serve` begins with.
    public init() {}
  }

  /// The models.
  public let catalog: ModelCatalog
  /// The jobs.
  public let queue: JobQueue
  /// The metrics.
  public let metrics: ServerMetrics
  /// The limits.
  public let limits: ServerLimits
  /// Who may use the server.
  public let access: AccessRules
  /// Choices of the operator.
  public let options: Options
  /// The page as HTML; nil where there is none.
  let page: Page?
  /// The model that AUTOMATIC1111's clients selected.
  let selectedModel: Mutex<String>

  /// A service; `page` is the HTML of its page.
  public init(
    catalog: ModelCatalog, queue: JobQueue, metrics: ServerMetrics, limits: ServerLimits, access: AccessRules,
    options: Options = Options(), page: [UInt8]? = nil
  ) {
    (self.catalog, self.queue, self.metrics, self.limits) = (catalog, queue, metrics, limits)
    (self.access, self.options, self.page) = (access, options, page.map { Page(html: $0) })
    selectedModel = Mutex(catalog.standard.name)
  }

  // MARK: - Requests

  /// The answer to a request whose body was not read yet, if it can be given already: refusals, wrong paths and methods,
  /// bodies that are too large.
  public func earlyResponse(to request: ServerRequest) -> ServerResponse? {
    let matches = Route.all.compactMap { route in route.match(request.path).map { (route, $0) } }
    let isOpen = matches.contains { $0.0.isOpen && $0.0.methods.contains(request.method) }
    if let refusal = access.refusal(of: request, isOpen: isOpen) { return self.response(to: refusal, request) }
    guard !matches.isEmpty else { return self.response(to: .notFound, request) }
    let methods = matches.flatMap(\.0.methods)
    if request.method == "OPTIONS" {
      return finished(ServerResponse(status: 204, headers: ["Allow": methods.joined(separator: ", ")]), request)
    }
    guard methods.contains(request.method) else {
      var response = response(
        to: RequestError(
          "\(request.path) does not take \(request.method)", code: "method_not_allowed", status: 405), request)
      response.headers["Allow"] = methods.joined(separator: ", ")
      return response
    }
    if let length = request.headers["Content-Length"].flatMap({ Int($0) }), length > limits.body {
      return response(to: bodyTooLarge, request)
    }
    if request.method == "POST", let type = request.headers["Content-Type"]?.lowercased(),
      let route = matches.first(where: { $0.0.methods.contains("POST") })?.0, !route.accepts(type)
    {
      return response(
        to: RequestError(
          "the content type is \(type.prefix(60)), expected \(route.mediaTypes)", code: "unsupported_media_type",
          status: 415),
        request)
    }
    return nil
  }

  /// The error for a body beyond the limit.
  public var bodyTooLarge: RequestError {
    RequestError("the body has more than \(limits.body >> 20) MiB", code: "body_too_large", status: 413)
  }

  /// Answers a complete request that `earlyResponse` let through.
  ///
  /// Nil where the client is gone.
  public func response(to request: ServerRequest) async -> ServerResponse? {
    for route in Route.all where route.methods.contains(request.method) {
      guard let parameters = route.match(request.path) else { continue }
      do {
        return finished(try await route.handler(self, request, parameters), request)
      } catch let error as RequestError {
        return response(to: error, request)
      } catch is CancellationError {
        return nil
      } catch {
        return response(to: RequestError("\(error)", code: "failed", status: 500), request)
      }
    }
    return response(to: .notFound, request)
  }

  /// The template of a path, for metrics and logs.
  public static func template(of path: String) -> String {
    Route.all.first { $0.match(path) != nil }?.template ?? "other"
  }

  // MARK: - Answers

  /// An error in the form of the interface that the path belongs to.
  public func response(to error: RequestError, _ request: ServerRequest) -> ServerResponse {
    var response =
      switch true {
      case request.path.hasPrefix("/v1/"): OpenAI.response(to: error)
      case request.path.hasPrefix("/sdapi/"): A1111.response(to: error)
      default: Native.response(to: error)
      }
    if let seconds = error.retryAfter { response.headers["Retry-After"] = "\(seconds)" }
    if error.status >= 500, error.retryAfter == nil { response.headers["x-should-retry"] = "false" }
    return finished(response, request)
  }

  private func response(to refusal: AccessRules.Refusal, _ request: ServerRequest) -> ServerResponse {
    switch refusal {
    case .host(let host):
      return response(
        to: RequestError(
          "the host \"\(host.prefix(80))\" is not this server: allow it with --allow-host", code: "forbidden_host",
          status: 403), request)
    case .origin(let origin):
      return response(
        to: RequestError(
          "pages of \(origin.prefix(80)) may not use this server: allow them with --allow-origin",
          code: "forbidden_origin", status: 403), request)
    case .token:
      var response = response(
        to: RequestError("the token is missing or wrong", code: "invalid_api_key", status: 401), request)
      response.headers["WWW-Authenticate"] = "Bearer, Basic realm=\"flux\""
      return response
    }
  }

  /// Adds the fields that every answer has.
  private func finished(_ response: ServerResponse, _ request: ServerRequest) -> ServerResponse {
    var response = response
    response.headers["X-Content-Type-Options"] = "nosniff"
    if response.headers["Cache-Control"] == nil { response.headers["Cache-Control"] = "no-store" }
    if let origin = request.headers["Origin"], access.isAllowed(origin, host: request.headers["Host"] ?? "") {
      response.headers["Access-Control-Allow-Origin"] = origin
      response.headers["Vary"] = "Origin"
      if request.method == "OPTIONS" {
        response.headers["Access-Control-Allow-Methods"] = "GET, POST, DELETE"
        response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type, Last-Event-ID"
        response.headers["Access-Control-Max-Age"] = "600"
      }
    }
    return response
  }

  // MARK: - Jobs of interfaces that answer with the image

  /// Accepts an order and waits for its end; throws where there are no images in the end.
  func draw(_ order: ImageOrder, for request: ServerRequest, from interface: ServerInterface) async throws -> Job {
    metrics.ignored(order.ignored.count, interface)
    let accepted = try queue.submit(order, from: interface, client: request.client)
    guard let job = await queue.result(of: accepted.id) else {
      throw RequestError("the job ended long ago", code: "gone", status: 500)
    }
    try Task.checkCancellation()
    return try Self.withImages(job)
  }

  /// The job if it has images; throws why not.
  static func withImages(_ job: Job) throws -> Job {
    switch job.status {
    case .done: return job
    case .failed:
      let failure = job.failure ?? JobFailure(code: "failed", message: "drawing failed")
      throw RequestError(
        failure.message, code: failure.code, status: failure.code == JobFailure.invalidRequest ? 400 : 500)
    case .cancelled where job.cancelReason == .shutdown:
      throw RequestError("the server is stopping", code: "shutting_down", status: 503, retryAfter: 30)
    case .cancelled:
      let reason = job.cancelReason == .timeout ? "the job took too long" : "the job was cancelled"
      throw RequestError(reason, code: "cancelled", status: 500)
    case .queued, .running: throw CancellationError()
    }
  }
}

extension ServerResponse {
  /// A response without a body.
  init(status: Int, headers: HeaderFields = [:]) {
    (self.status, self.headers, body) = (status, headers, .bytes([]))
  }
}
