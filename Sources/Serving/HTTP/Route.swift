/// A path with its methods and what answers it.
struct Route: Sendable {
  typealias Handler = @Sendable (FluxService, ServerRequest, [String: String]) async throws -> ServerResponse

  let methods: [String]
  /// The path, with parameters in braces that stand for one component.
  let template: String
  /// One sentence for the OpenAPI document.
  let summary: String
  /// Whether it needs no token.
  let isOpen: Bool
  /// Whether its body may be a form (`multipart/form-data`) instead of JSON.
  let takesForms: Bool
  let handler: Handler
  private let parts: [Substring]

  init(
    _ method: String, _ template: String, _ summary: String, isOpen: Bool = false, takesForms: Bool = false,
    _ handler: @escaping Handler
  ) {
    methods = method == "GET" ? ["GET", "HEAD"] : [method]
    (self.template, self.summary, self.isOpen, self.takesForms) = (template, summary, isOpen, takesForms)
    self.handler = handler
    parts = template.split(separator: "/")
  }

  /// The parameters of a path; nil where it is another path.
  ///
  /// A slash at its end does not count.
  func match(_ path: String) -> [String: String]? {
    let given = path.split(separator: "/")
    guard path.hasPrefix("/"), given.count == parts.count else { return nil }
    var parameters: [String: String] = [:]
    for (part, value) in zip(parts, given) {
      if part.hasPrefix("{") {
        parameters[String(part.dropFirst().dropLast())] = String(value)
      } else if part != value {
        return nil
      }
    }
    return parameters
  }

  /// Whether a body of a media type is read.
  func accepts(_ type: String) -> Bool {
    type.hasPrefix("application/json") || type.hasPrefix("text/json")
      || takesForms && type.hasPrefix("multipart/form-data")
  }

  /// The media types of its bodies, for messages.
  var mediaTypes: String { takesForms ? "multipart/form-data or application/json" : "application/json" }

  /// All routes.
  static let all: [Route] = Native.routes + OpenAI.routes + A1111.routes
}
