import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Serving

/// What a request's connection tells.
struct ConnectionContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  /// The address that the connection comes from: that of the client, or of a proxy.
  let client: String

  init(source: Source) {
    coreContext = .init(source: source)
    client = source.channel.remoteAddress?.ipAddress ?? "unknown"
  }
}

/// Translates between Hummingbird and the service.
struct ServiceResponder: HTTPResponder {
  let service: FluxService
  let proxies: TrustedProxies

  func respond(to request: Request, context: ConnectionContext) async throws -> Response {
    let begin = ContinuousClock.now
    var translated = translate(request, context)
    var answer: ServerResponse?
    if let early = service.earlyResponse(to: translated) {
      answer = early
      // The body that nobody reads ends the connection.
      if ["POST", "PUT", "PATCH"].contains(translated.method) { answer?.headers["Connection"] = "close" }
    } else if translated.method == "POST" {
      (answer, translated) = try await self.answer(translated, body: request.body)
      answer?.headers["Connection"] = "close"
    } else {
      answer = await service.response(to: translated)
    }
    let spent = ContinuousClock.now - begin
    let seconds = Double(spent.components.seconds) + Double(spent.components.attoseconds) * 1e-18
    let status = answer?.status ?? 499  // the client is gone: nginx's number
    let route = FluxService.template(of: translated.path)
    service.metrics.answered(route: route, method: translated.method, status: status, seconds: seconds)
    context.logger.log(
      level: route.hasSuffix("z") ? .debug : status >= 500 ? .error : .info, "request",
      metadata: [
        "method": "\(translated.method.prefix(8))", "route": "\(route)", "status": "\(status)",
        "seconds": "\((seconds * 1000).rounded() / 1000)", "client": "\(translated.client)",
      ])
    return answer.map { Self.translate($0, isHead: translated.method == "HEAD") }
      ?? Response(status: .internalServerError)
  }

  /// Reads the body and answers; the work is cancelled when the client leaves.
  private func answer(_ request: ServerRequest, body: RequestBody) async throws -> (ServerResponse?, ServerRequest) {
    let service = service
    do {
      return try await body.consumeWithCancellationOnInboundClose { body in
        var request = request
        do {
          request.body = try await Self.read(body, limit: service.limits.body)
        } catch let error as RequestError {
          return (service.response(to: error, request), request)
        }
        return (await service.response(to: request), request)
      }
    } catch is CancellationError {
      return (nil, request)
    }
  }

  /// Seconds in which a body has to arrive.
  private static let bodySeconds = 30

  private static func read(_ body: RequestBody, limit: Int) async throws -> [UInt8] {
    try await withThrowingTaskGroup(of: [UInt8].self) { group in
      group.addTask {
        var bytes: [UInt8] = []
        for try await buffer in body {
          guard bytes.count + buffer.readableBytes <= limit else {
            throw RequestError(
              "the body has more than \(limit >> 20) MiB", code: "body_too_large", status: 413)
          }
          bytes.append(contentsOf: buffer.readableBytesView)
        }
        return bytes
      }
      group.addTask {
        try await Task.sleep(for: .seconds(bodySeconds))
        throw RequestError("the body did not arrive in \(bodySeconds) seconds", code: "timeout", status: 408)
      }
      defer { group.cancelAll() }
      return try await group.next() ?? []
    }
  }

  private func translate(_ request: Request, _ context: ConnectionContext) -> ServerRequest {
    var fields: [(name: String, value: String)] = request.headers.map { ($0.name.rawName, $0.value) }
    if let host = request.head.authority { fields.append(("Host", host)) }
    var query: [String: String] = [:]
    for (name, value) in request.uri.queryParameters { query[String(name)] = String(value) }
    let headers = HeaderFields(fields)
    let client = proxies.client(of: context.client, forwardedFor: headers["X-Forwarded-For"])
    return ServerRequest(
      method: request.method.rawValue, path: request.uri.path.removingPercentEncoding ?? request.uri.path, query: query,
      headers: headers, client: client)
  }

  private static func translate(_ answer: ServerResponse, isHead: Bool) -> Response {
    var headers = HTTPFields()
    for (name, value) in answer.headers.fields {
      if let name = HTTPField.Name(name) { headers[name] = value }
    }
    let status = HTTPResponse.Status(code: answer.status)
    switch answer.body {
    case .bytes(let bytes):
      if isHead {
        headers[.contentLength] = "\(bytes.count)"
        return Response(status: status, headers: headers)
      }
      return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    case .stream(let pieces):
      return Response(
        status: status, headers: headers,
        body: ResponseBody { writer in
          for await piece in pieces { try await writer.write(ByteBuffer(bytes: piece)) }
          try await writer.finish(nil)
        })
    }
  }
}
