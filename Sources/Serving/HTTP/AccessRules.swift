/// Who may use the server: rules about the fields Host, Origin and Authorization.
///
/// A page of another site can make a browser send requests to a server on the same machine. Such requests name that site as
/// their origin, or, after DNS rebinding, as their host.
public struct AccessRules: Sendable {
  /// Names that a client may give as the host, without port and in lower case; loopback names are always allowed.
  public var hosts: Set<String>
  /// Origins other than the server's own that may send requests; `*` is all.
  public var origins: Set<String>
  /// The token that every request has to carry; nil is none.
  public var token: String?

  /// Rules; by default only loopback names, no other origin, no token.
  public init(hosts: Set<String> = [], origins: Set<String> = [], token: String? = nil) {
    (self.hosts, self.origins, self.token) = (Set(hosts.map { $0.lowercased() }), origins, token)
  }

  /// Why a request is refused.
  public enum Refusal: Sendable, Equatable {
    /// The host is not this server.
    case host(String)
    /// The origin is not allowed.
    case origin(String)
    /// The token is missing or wrong.
    case token
  }

  /// Names of this machine that no other site can have.
  static let loopback: Set<String> = ["localhost", "127.0.0.1", "[::1]", "::1"]

  /// Whether an address is of this machine only.
  public static func isLoopback(_ address: String) -> Bool {
    loopback.contains(address.lowercased()) || address.hasPrefix("127.")
  }

  /// The reason to refuse a request, or nil.
  ///
  /// Paths that are open need no token: the page, which asks for one, and whether the server lives.
  public func refusal(of request: ServerRequest, isOpen: Bool) -> Refusal? {
    let host = request.headers["Host"] ?? ""
    let name = Self.withoutPort(host).lowercased()
    guard Self.loopback.contains(name) || hosts.contains(name) else { return .host(host) }
    if let origin = request.headers["Origin"], !isAllowed(origin, host: host) { return .origin(origin) }
    if isOpen || request.method == "OPTIONS" { return nil }
    guard let token else { return nil }
    return Self.equal(Self.token(in: request.headers["Authorization"] ?? ""), token) ? nil : .token
  }

  /// Whether an origin is the server's own or one of those that are allowed.
  func isAllowed(_ origin: String, host: String) -> Bool {
    if origins.contains("*") || origins.contains(origin) { return true }
    return ["http://\(host)", "https://\(host)"].contains { $0.lowercased() == origin.lowercased() }
  }

  /// The token of `Bearer TOKEN` or of `Basic` with any name and the token as its password.
  static func token(in field: String) -> String {
    let parts = field.split(separator: " ", maxSplits: 1)
    guard parts.count == 2 else { return "" }
    let value = parts[1].trimmingSpaces
    switch parts[0].lowercased() {
    case "bearer": return value
    case "basic":
      guard let bytes = Base64.decode(value) else { return "" }
      let text = String(decoding: bytes, as: UTF8.self)
      return text.firstIndex(of: ":").map { String(text[text.index(after: $0)...]) } ?? ""
    default: return ""
    }
  }

  /// Compares in a time that does not tell how many characters agree.
  static func equal(_ a: String, _ b: String) -> Bool {
    let (a, b) = (Array(a.utf8), Array(b.utf8))
    guard !b.isEmpty else { return false }
    var difference = a.count ^ b.count
    for index in b.indices { difference |= Int(b[index] ^ (index < a.count ? a[index] : 0)) }
    return difference == 0
  }

  /// A host without its port.
  static func withoutPort(_ host: String) -> String {
    if host.hasPrefix("[") { return host.firstIndex(of: "]").map { String(host[...$0]) } ?? host }
    return host.filter { $0 == ":" }.count == 1 ? String(host.prefix { $0 != ":" }) : host
  }
}

extension Substring {
  /// The text without spaces at its ends.
  var trimmingSpaces: String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}
