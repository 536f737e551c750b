import Serving
import Testing

@Suite struct TrustedProxiesTests {
  private let proxies = TrustedProxies(["127.0.0.1", "10.0.0.2", "FD00::1"])

  @Test(
    arguments: [
      (nil, "127.0.0.1"), ("", "127.0.0.1"), ("1.2.3.4", "1.2.3.4"), ("9.9.9.9, 1.2.3.4", "1.2.3.4"),
      ("1.2.3.4, 10.0.0.2", "1.2.3.4"), ("1.2.3.4,10.0.0.2 , fd00::1", "1.2.3.4"), ("1.2.3.4:5678", "1.2.3.4"),
      ("[2001:db8::7]:443", "2001:db8::7"), ("2001:db8::7", "2001:db8::7"), ("unknown", "127.0.0.1"),
      ("1.2.3.4, <script>", "127.0.0.1"), ("10.0.0.2", "10.0.0.2"),
    ] as [(String?, String)])
  func theClientIsTheLastAddressThatATrustedProxyNames(_ field: String?, _ client: String) {
    #expect(proxies.client(of: "127.0.0.1", forwardedFor: field) == client)
  }

  /// A server that listens on `::` sees IPv4 connections so.
  @Test(arguments: ["::ffff:127.0.0.1", "::FFFF:10.0.0.2"])
  func anIPv4AddressInIPv6FormIsThatAddress(_ connection: String) {
    #expect(proxies.client(of: connection, forwardedFor: "1.2.3.4") == "1.2.3.4")
    #expect(proxies.client(of: connection, forwardedFor: "9.9.9.9, 1.2.3.4, ::ffff:10.0.0.2") == "1.2.3.4")
    #expect(TrustedProxies([connection]).client(of: "10.0.0.3", forwardedFor: "1.2.3.4") == "10.0.0.3")
    #expect(proxies.client(of: "::ffff:8.8.8.8", forwardedFor: "1.2.3.4") == "8.8.8.8")
  }

  @Test func namesAreNoAddresses() {
    #expect(["127.0.0.1", "::1", "fd00::2"].allSatisfy(TrustedProxies.isAddress))
    #expect(!["localhost", "proxy", "cafe", "", "1.2.3.4:80", "[::1]"].contains(where: TrustedProxies.isAddress))
  }

  @Test func nobodyElseIsBelieved() {
    #expect(proxies.client(of: "8.8.8.8", forwardedFor: "1.2.3.4") == "8.8.8.8")
    #expect(TrustedProxies().client(of: "127.0.0.1", forwardedFor: "1.2.3.4") == "127.0.0.1")
  }
}
