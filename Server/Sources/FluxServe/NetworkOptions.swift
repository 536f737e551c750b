import ArgumentParser
import Foundation
import Serving

/// Where the server listens, and who may use it.
struct NetworkOptions: ParsableArguments {
  @Option(help: "Address to listen on. Other addresses than those of this machine need a token.")
  var host: String = "127.0.0.1"
  @Option(help: "Port.") var port: Int = 7860
  @Option(help: "File with the token that clients have to send (or set FLUX_TOKEN).") var tokenFile: String?
  @Flag(help: "Listen on an address of the network without a token.") var noToken = false
  @Option(parsing: .singleValue, help: "Another name under which clients reach this server; may be repeated.")
  var allowHost: [String] = []
  @Option(
    parsing: .singleValue,
    help: "An origin whose pages may use this server, such as https://example.org; may be repeated.")
  var allowOrigin: [String] = []
  @Option(
    parsing: .singleValue,
    help: """
      Address of a proxy before this server, such as 127.0.0.1, whose X-Forwarded-For says who the client is; may be \
      repeated.
      """)
  var trustedProxy: [String] = []
  @Option(
    help:
      "Letters and digits that the ids of jobs begin with, so that a proxy finds the server of a job by its address.")
  var jobPrefix: String = ""

  func validate() throws {
    try check("--port", port, 0...65_535)
    guard jobPrefix.count <= 8, jobPrefix.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) }) else {
      throw ValidationError("--job-prefix \(jobPrefix) must be up to 8 letters and digits of ASCII")
    }
    if let name = trustedProxy.first(where: { !TrustedProxies.isAddress($0) }) {
      throw ValidationError("--trusted-proxy \(name) is no IP address")
    }
    if noToken, tokenFile != nil { throw ValidationError("--no-token and --token-file contradict each other") }
  }

  /// The rules of access; throws where they would be unsafe.
  func accessRules() throws -> AccessRules {
    let token = try token()
    if token == nil, !noToken, !AccessRules.isLoopback(host) {
      throw ServeError(
        "\(host) can be reached by other machines: give --token-file FILE or set FLUX_TOKEN, or --no-token to serve anyone"
      )
    }
    if allowOrigin.contains("*"), token == nil {
      throw ServeError("--allow-origin '*' would let every page use this server: it needs a token")
    }
    var hosts = Set(allowHost)
    if !["0.0.0.0", "::"].contains(host) { hosts.insert(host) }
    return AccessRules(hosts: hosts, origins: Set(allowOrigin), token: token)
  }

  private func token() throws -> String? {
    if noToken { return nil }
    if let tokenFile {
      guard let text = try? String(contentsOfFile: tokenFile, encoding: .utf8) else {
        throw ServeError("cannot read the token file \(tokenFile)")
      }
      return try checked(text, "the token file \(tokenFile)")
    }
    let given = ProcessInfo.processInfo.environment["FLUX_TOKEN"] ?? ""
    return given.isEmpty ? nil : try checked(given, "FLUX_TOKEN")
  }

  private func checked(_ text: String, _ source: String) throws -> String {
    let token = text.trimmingCharacters(in: .whitespacesAndNewlines)
    guard token.count >= 8, token.allSatisfy({ $0.isASCII && !$0.isWhitespace }) else {
      throw ServeError("\(source) must hold 8 or more ASCII characters without spaces")
    }
    return token
  }
}
