/// Proxies that say truly where a request comes from: the address of the client behind them.
///
/// Every proxy appends the address that it was called from to `X-Forwarded-For`. A client can send that field too, so that
/// only the part counts that trusted proxies appended: the field is read from its end, as long as the address that it was
/// received from is trusted.
public struct TrustedProxies: Sendable, Equatable {
  /// Addresses of proxies, such as `127.0.0.1`.
  public var addresses: Set<String>

  /// No proxies unless some are given.
  public init(_ addresses: Set<String> = []) { self.addresses = Set(addresses.map(Self.plain)) }

  /// The address of the client of a request that came from `connection` with this `X-Forwarded-For`.
  public func client(of connection: String, forwardedFor field: String?) -> String {
    var address = Self.plain(connection)
    var hops = (field ?? "").split(separator: ",").map { Self.address($0.trimmingSpaces) }
    while addresses.contains(address), let hop = hops.popLast() {
      guard let hop else { break }  // no address: who appended it said nothing that can be used
      address = Self.plain(hop)
    }
    return address
  }

  /// An address in lowercase, and an IPv4 address in IPv6 form, as connections to a server on `::` have it, as such.
  private static func plain(_ address: String) -> String {
    let address = address.lowercased(), mapped = "::ffff:"
    guard address.hasPrefix(mapped), address.contains(".") else { return address }
    return String(address.dropFirst(mapped.count))
  }

  /// Whether a text is an IP address, as proxies are named: a name of a machine would never match one.
  public static func isAddress(_ text: String) -> Bool {
    address(text) == text && text.contains { $0 == "." || $0 == ":" }
  }

  /// An IP address without brackets and port; nil for anything else, so that no text of a client gets into logs.
  private static func address(_ text: String) -> String? {
    var text = text
    if text.hasPrefix("[") {
      text = String(text.dropFirst().prefix { $0 != "]" })
    } else if text.filter({ $0 == ":" }).count == 1 {
      text = String(text.prefix { $0 != ":" })
    }
    let isAddress = text.allSatisfy { $0.isASCII && ($0.isHexDigit || $0 == "." || $0 == ":") }
    return isAddress && (2...45).contains(text.count) ? text : nil
  }
}
