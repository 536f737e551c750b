import Support

/// A server-sent event (WHATWG HTML, 9.2).
struct ServerEvent {
  /// The number for `Last-Event-ID`; nil for events that cannot be resumed.
  var id: Int?
  /// The name.
  var name: String
  /// The data, in one line.
  var data: JSONValue

  /// The event as it is sent.
  var bytes: [UInt8] {
    Array(((id.map { "id: \($0)\n" } ?? "") + "event: \(name)\ndata: \(data.text)\n\n").utf8)
  }

  /// A comment that keeps the connection open.
  static let ping = Array(": ping\n\n".utf8)
}
