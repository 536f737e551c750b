import Support

/// Header fields of a request or response; names compare without case.
public struct HeaderFields: Sendable, ExpressibleByDictionaryLiteral {
  /// The fields in their order.
  public private(set) var fields: [(name: String, value: String)]

  /// Fields in the order of the literal.
  public init(dictionaryLiteral elements: (String, String)...) { fields = elements.map { ($0.0, $0.1) } }

  /// Fields in an order.
  public init(_ fields: [(name: String, value: String)]) { self.fields = fields }

  /// The first value of a field; setting it removes the others.
  public subscript(name: String) -> String? {
    get { fields.first { $0.name.lowercased() == name.lowercased() }?.value }
    set {
      fields.removeAll { $0.name.lowercased() == name.lowercased() }
      if let newValue { fields.append((name, newValue)) }
    }
  }
}

/// An HTTP request, independent of the HTTP library.
public struct ServerRequest: Sendable {
  /// Method in capitals.
  public var method: String
  /// Path without query; percent escapes are resolved.
  public var path: String
  /// Query parameters; the last of a name counts.
  public var query: [String: String]
  /// Header fields.
  public var headers: HeaderFields
  /// The body, empty until it was read.
  public var body: [UInt8]
  /// The address that the connection comes from, without port.
  public var client: String

  /// A request; without a body unless given.
  public init(
    method: String, path: String, query: [String: String] = [:], headers: HeaderFields = [:], body: [UInt8] = [],
    client: String = "127.0.0.1"
  ) {
    (self.method, self.path, self.query) = (method, path, query)
    (self.headers, self.body, self.client) = (headers, body, client)
  }
}

/// An HTTP response, independent of the HTTP library.
public struct ServerResponse: Sendable {
  /// What is sent after the header.
  public enum Body: Sendable {
    /// All bytes at once.
    case bytes([UInt8])
    /// Pieces as they are made; the stream's termination handler tells the producer when the client is gone.
    case stream(AsyncStream<[UInt8]>)
  }

  /// The status code.
  public var status: Int
  /// Header fields without those that the HTTP library adds.
  public var headers: HeaderFields
  /// The body.
  public var body: Body

  /// A response with bytes of a media type.
  public init(_ status: Int, type: String, _ bytes: [UInt8], headers: HeaderFields = [:]) {
    self.status = status
    self.headers = headers
    self.headers["Content-Type"] = type
    body = .bytes(bytes)
  }

  /// A response that is JSON.
  public init(_ status: Int = 200, _ value: JSONValue, headers: HeaderFields = [:]) {
    self.init(status, type: "application/json", Array(value.text.utf8), headers: headers)
  }

  /// A stream of server-sent events.
  public init(events: AsyncStream<[UInt8]>) {
    status = 200
    headers = [
      "Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store", "X-Accel-Buffering": "no",
    ]
    body = .stream(events)
  }

  /// The bytes of the body; nil for a stream.
  public var bytes: [UInt8]? { if case .bytes(let bytes) = body { bytes } else { nil } }
}
